package decimal

import (
	"errors"
	"strings"
	"testing"
)

func TestParseErrorsNameTheirKind(t *testing.T) {
	for in, want := range map[string]error{
		"": ErrSyntax, "abc": ErrSyntax, "1e": ErrSyntax, "12 ": ErrSyntax, " 12": ErrSyntax, "\x00": ErrSyntax,
		strings.Repeat("9", MaxDigits+1):        ErrTooLarge,
		"0." + strings.Repeat("0", MaxDigits+1): ErrTooLarge,
		"1e1000":                                ErrTooLarge, "9e-1001": ErrTooLarge, "1e99999999999999999999": ErrTooLarge,
	} {
		for _, f := range []func() (Decimal, error){
			func() (Decimal, error) { return Parse(in) },
			func() (Decimal, error) { return ParseBytes([]byte(in)) },
		} {
			if d, err := f(); !errors.Is(err, want) || len(err.Error()) > 150 {
				t.Errorf("%.80q: got %.80s, %v", in, d, err)
			}
		}
	}
}

func TestParseAcceptsTheCeiling(t *testing.T) {
	for _, in := range []string{strings.Repeat("9", MaxDigits), "1e999", "1e-1000", "." + strings.Repeat("7", MaxDigits)} {
		if d, err := Parse(in); err != nil || d.TooLarge() {
			t.Errorf("%.20s… (%d): %v", in, len(in), err)
		}
	}
}

func TestParseFixedTakesPlainNumbersOnly(t *testing.T) {
	for _, in := range []string{"0", "-0", "+1", "1.", ".1", "-123.45", "999999999999999999", "-99999999999999.9999", "007"} {
		coef, scale, ok := ParseFixed([]byte(in))
		if want := MustParse(in); !ok || New(coef, scale).String() != want.String() {
			t.Errorf("%s: got %d, %d, %v", in, coef, scale, ok)
		}
	}
	for _, in := range []string{"", "-", "+", ".", "-.", "1e5", "1..2", "1.2.", "--1", "1-", " 1", "1,0", "1234567890123456789", "12345678901234567890", "0x1"} {
		if coef, scale, ok := ParseFixed([]byte(in)); ok {
			t.Errorf("%s: got %d, %d", in, coef, scale)
		}
	}
}

func TestModesHaveNames(t *testing.T) {
	for i, name := range ModeNames() {
		if m, err := ParseMode(name); err != nil || int(m) != i || m.String() != name {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
	}
	if _, err := ParseMode("bankers"); err == nil || !strings.Contains(err.Error(), `"bankers"`) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "0", "-1.50", "+.5", "5.", "1e3", "1E-3", "1e", "9223372036854775808", "-9223372036854775808", "1e1000", "1e-1000",
		"0e99999999999", "00000000000000000000000.1", "NaN", "1,0", "\xff", "١", strings.Repeat("1", 1001), "1." + strings.Repeat("0", 999)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseBytes(b)
		fromString, errString := Parse(string(b))
		if (err == nil) != (errString == nil) || d.String() != fromString.String() {
			t.Fatalf("bytes and string differ: %s, %v and %s, %v", d, err, fromString, errString)
		}
		coef, scale, fixed := ParseFixed(b)
		if err != nil {
			if fixed {
				t.Fatalf("the short way accepts %q", b)
			}
			return
		}
		if fixed && New(coef, scale).String() != d.String() {
			t.Fatalf("the short way reads %q as %s, not %s", b, New(coef, scale), d)
		}
		back := MustParse(d.String())
		if d.TooLarge() || !minimal(d) || back.String() != d.String() || back.Scale() != d.Scale() {
			t.Fatalf("%q became %s, which does not read back", b, d)
		}
	})
}
