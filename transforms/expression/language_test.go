package expression

import "testing"

func TestLanguage(t *testing.T) {
	cases := []struct{ expr, want string }{
		// Exact literals.
		{"0.1 + 0.2 == 0.3", "true"},
		{"1.005", "1.005"},
		{"12345678901234567890123456789 + 1", "12345678901234567890123456790"},
		{"1e3 + 1.5E-2", "1000.015"},
		{"1_000.50", "1000.50"},
		{".5 + 1.", "1.5"},
		{"1.0 == 1.00", "true"},
		{"1 == 1.00", "true"},
		{"9223372036854775807", "9223372036854775807"},
		// Arithmetic.
		{"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"-2 ** 2", "-4"}, {"2 ^ 10", "1024"}, {"1.1 ** 2", "1.21"}, {"2 ** -2", "0.25"},
		{"7 / 2", "3.5"}, {"1 / 3", "0.3333333333333333333333333333333333"}, {"7 % 3", "1"}, {"-7 % 3", "-1"}, {"7.5 % 2", "1.5"},
		{"qty + 1", "8"}, {"qty * 1.5", "10.5"}, {"rent - 0.01", "1499.99"}, {"+qty", "7"}, {"-rent", "-1500.00"}, {"qty % -1", "0"},
		{"round(rent / 31 * 17, 2)", "822.58"}, {"round(17 * rent / 31, 2)", "822.58"}, {"round(1 / 3 + 1, 2)", "1.33"},
		{"round(10 / 3 / 3, 3)", "1.111"}, {"round(2 / (3 / 4), 2)", "2.67"}, {"round(-2.345, 2)", "-2.35"}, {"round(qty, 1)", "7.0"},
		{"9223372036854775807 + 0.0 + 1", "9223372036854775808.0"},
		// Texts.
		{`"a" + "b" + unit`, "ab 12b "}, {"'single' + `raw`", "singleraw"}, {`"line\nbreak"`, "line\nbreak"}, {`upper(left(unit, 3)) + "-" + text(qty)`, " 12-7"},
		{`unit contains "12"`, "true"}, {`"abc" startsWith "ab"`, "true"}, {`"abc" not startsWith "ab"`, "false"}, {`not ("abc" endsWith "c")`, "false"},
		{`contains(unit, "b") and not contains(unit, "z")`, "true"}, {`unit matches "[0-9]+b"`, "true"}, {`not matches(unit, "x")`, "true"},
		{`unit contains (text(1) + "2")`, "true"}, {`"b" > "a" and "Z" < "a"`, "true"}, {`substring("añb", 2, 1)`, "ñ"}, {`right("añ", 1)`, "ñ"}, {`left("ab", 9)`, "ab"},
		{`pad_left(trim(unit), 6, "0")`, "00012b"}, {`split_part("a--b", "-", 3)`, "b"}, {`mask("ab", 5)`, "ab"}, {`replace("aaa", "a", "bb")`, "bbbbbb"},
		// Logic.
		{"open and qty == 7", "true"}, {"not open || qty > 6", "true"}, {"!open && true", "false"}, {"1 < qty < 8", "true"}, {"8 > qty > 7", "false"},
		{"qty in [1, 7]", "true"}, {"qty not in [1, 7.0]", "false"}, {"rent in [1500, 2]", "true"}, {`trim(unit) in ["a", "12b"]`, "true"},
		{`trim(unit) in ["1", "2", "3", "4", "5", "6", "7", "12b"]`, "true"}, {`qty in [maybe, 7]`, "true"}, {`qty in [maybe, 8]`, "nil"}, {"qty in []", "false"},
		{`"A" in map(lines, .code)`, "true"}, {`"Z" in map(lines, .code)`, "false"}, {"50 in map(lines, .amount)", "true"}, {`due in [date("2026-10-22")]`, "true"},
		// Choices.
		{`if qty > 5 { "many" } else { "few" }`, "many"}, {`if qty > 50 { 1 } else if qty > 5 { 2.5 } else { 3 }`, "2.5"}, {`qty > 5 ? due : moved_out`, "2026-10-22"},
		{"if open { nil } else { 1 }", "nil"}, {"(paid ?? rent) + 1", "1501.00"}, {"paid ?? maybe ?? 5", "5"}, {"coalesce(paid, maybe, rent)", "1500.00"},
		{"let x = rent * 2; x + x", "6000.00"}, {"let a = qty; let b = a + 1; a * b", "56"}, {`let c = "x"; c + c`, "xx"}, {"let n = maybe; n ?? 4", "4"},
		{"let d = due; d + days(1)", "2026-10-23"}, {"let o = open; o and o", "true"}, {"let large = filter(lines, .amount > 60); count(large)", "1"},
		{"let r = qty; count(lines, .qty < r)", "2"}, {"sum(lines, let a = .amount; a * a)", "12500.0000"}, {"let a = address; a.city", "Oak Park"},
		// Dates.
		{"due + days(10)", "2026-11-01"}, {"due - months(8)", "2026-02-22"}, {`date("2026-03-31") - months(1)`, "2026-02-28"}, {"due + days(qty)", "2026-10-29"},
		{"run.date - due", "30"}, {"period + months(3)", "2027-01"}, {"period - month_of(due)", "0"}, {"due < run.date", "true"}, {"period == month_of(due)", "true"},
		{"created + days(1)", "2026-12-02T04:59:59Z"}, {`timestamp("2026-03-07T08:00:00Z") + days(1)`, "2026-03-08T07:00:00Z"}, {"created - months(1)", "2026-10-31T03:59:59Z"},
		{"local_date(created)", "2026-11-30"}, {`format_date(created, "YYYY-MM-DD HH:mm")`, "2026-11-30 22:59"}, {"created > timestamp(\"2026-11-30T00:00:00Z\")", "true"},
		{`weekday(date("2026-11-22"))`, "7"}, {"year(period)", "2026"}, {"month_end(period)", "2026-10-31"}, {"due - days(-1)", "2026-10-23"}, {"max(due, run.date)", "2026-11-21"},
		{`business_day(date("2026-10-24"), 0)`, "2026-10-24"}, {`text(due) + " " + text(created) + " " + text(open) + " " + text(period)`, "2026-10-22 2026-12-01T04:59:59Z true 2026-10"},
		// Names.
		{`record["Unit No"] + "!"`, "12B!"}, {"record.rent", "1500.00"}, {"address.city", "Oak Park"}, {`address["city"]`, "Oak Park"}, {"address.zip", "nil"}, {"address?.city", "Oak Park"},
		{"var.code", "A"}, {"rent * company.rate", "131.250000"}, {"deposit + 0", "250.00"},
		// Lists.
		{"sum(lines, .amount * .qty)", "350.00"}, {"sum(lines, #.amount)", "150.00"}, {"sum(lines, .qty)", "5"}, {"lines | sum(.amount)", "150.00"}, {"sum(no_lines, .amount)", "0"},
		{"count(no_lines)", "0"}, {"min(no_lines, .amount)", "nil"}, {"max(lines, .code)", "B"}, {"min(lines, .qty)", "2"}, {"max(lines, .paid_on)", "nil"}, {"first(no_lines, .code)", "nil"},
		{"all(no_lines, .open)", "true"}, {"any(no_lines, .open)", "false"}, {"none(no_lines, .open)", "true"}, {"all(lines, .open)", "false"}, {"any(lines, .open)", "true"}, {"one(lines, .open)", "true"},
		{"all(lines, {.amount > 0})", "true"}, {"sum(lines, .amount * rent)", "225000.0000"}, {"sum(lines, sum(.taxes, .rate * 100))", "17.00"}, {"count(lines, any(.taxes, .rate > 0.06))", "1"},
		{"sum(lines, count(.taxes))", "3"}, {"max(lines, max(.taxes, .rate))", "0.10"}, {"sum(lines, max(.amount, .qty, 60))", "160.00"}, {"sum(map(filter(lines, .open), .amount))", "100.00"},
		{"sum(filter(map(lines, .amount), # > 60), # * 2)", "200.00"}, {"count(map(lines, .amount), # > 60)", "1"}, {"sum(map(map(lines, .amount), # + 1), # * 2)", "304.00"},
		{"count(filter(filter(lines, .open), .amount > 1000))", "0"}, {`join(lines, .code, ",")`, "A,B"}, {`lines | map(.code) | join("+")`, "A+B"}, {`join(no_lines, .code, ",")`, ""},
		{"let l = lines; sum(l, count(l, .qty > 0) * .amount + .amount)", "450.00"}, {"let l = filter(lines, .open); count(l, count(l) == 1)", "1"},
		{"first(lines, .paid_on)", "2026-10-01"}, {"last(lines, .amount)", "50.00"}, {"last(lines, .open)", "false"}, {"filter(lines, .open)", "#"}, {"lines", "##"}, {"no_lines", ""},
		{`any(lines, .code == var.code)`, "true"}, {"one(lines, .amount > 0)", "false"}, {"min(qty, 3)", "3"}, {`max("a", "b")`, "b"},
		// Comments.
		{"rent // the rent", "1500.00"}, {"/* a */ qty", "7"},
	}
	env := sampleEnv()
	for _, c := range cases {
		if got := evaluate(t, env, sampleBatch(), c.expr); got != c.want {
			t.Errorf("%s = %s, want %s", c.expr, got, c.want)
		}
	}
}

func TestFailures(t *testing.T) {
	cases := []struct{ expr, want string }{
		{"1 / 0", "failed: expr.division_by_zero division by zero"},
		{"qty / (qty - 7)", "failed: expr.division_by_zero division by zero"},
		{"qty % 0", "failed: expr.division_by_zero division by zero"},
		{"rent % 0.0", "failed: expr.division_by_zero division by zero"},
		{"round(rent / (qty - 7), 2)", "failed: expr.division_by_zero division by zero"},
		{"0 ** -1", "failed: expr.division_by_zero division by zero"},
		{"(1 / (qty - 7)) ?? 5", "failed: expr.division_by_zero division by zero"},
		{"1 / (qty - 7) == nil", "failed: expr.division_by_zero division by zero"},
		{"blank(1 / (qty - 7))", "failed: expr.division_by_zero division by zero"},
		{"open or 1 / (qty - 7) > 0", "true"},
		{"sum(lines, 1 / (.qty - 2))", "failed: expr.division_by_zero division by zero"},
		{"any(lines, 1 / (.qty - 2) > 0) or true", "failed: expr.division_by_zero division by zero"},
		{"big + 1", "failed: expr.too_large an integer beyond 9223372036854775807; add 0.0 to compute with decimals"},
		{"-big - 2", "failed: expr.too_large an integer beyond 9223372036854775807; add 0.0 to compute with decimals"},
		{"big * 2", "failed: expr.too_large an integer beyond 9223372036854775807; add 0.0 to compute with decimals"},
		{"big ** 2", "failed: expr.too_large an integer beyond 9223372036854775807; add 0.0 to compute with decimals"},
		{"-big - 1", "-9223372036854775808"},
		{"(-big - 1) * -1", "failed: expr.too_large an integer beyond 9223372036854775807; add 0.0 to compute with decimals"},
		{"sum(lines, big)", "failed: expr.too_large an integer beyond 9223372036854775807; add 0.0 to compute with decimals"},
		{"due + days(9999999)", "failed: expr.value a date outside the years 1 to 9999"},
		{"due + days(big)", "failed: expr.value a date outside the years 1 to 9999"},
		{"due - months(big)", "failed: expr.value a date outside the years 1 to 9999"},
		{"created + months(99999999)", "failed: expr.value a date outside the years 1 to 9999"},
		{"prorate(rent, due, date(\"2026-01-01\"), period)", "failed: expr.value prorate from 2026-10-22 to 2026-01-01: start after end"},
		{"parse_amount(unit)", `failed: source.bad_value " 12b " is not an amount`},
		{`parse_amount("1,234")`, `failed: source.bad_value "1,234" may mean two amounts; name the decimal mark: parse_amount(x, ".")`},
		{`parse_amount("1,23,456.00")`, `failed: source.bad_value "1,23,456.00" has its thousands marks in the wrong places`},
		{`parse_integer("1.5")`, `failed: source.bad_value "1.5" is not a whole number`},
		{`parse_decimal("")`, `failed: source.bad_value "" is not a plain number`},
		{`parse_date("2026-02-30", "YYYY-MM-DD")`, `failed: source.bad_value parse "2026-02-30" as YYYY-MM-DD: no such date or time of day`},
		{`replace(unit, "", "x")`, "failed: expr.value replace needs a text to look for"},
		{"fiscal_period(due, 13)", "failed: expr.value a fiscal year begins in month 1 to 12, not 13"},
		{`round_to_currency(rent, trim(unit))`, `failed: expr.value there is no currency "12b"; write an ISO 4217 code such as USD`},
		{"substring(unit, 0)", "failed: expr.value a part of a text begins at 1 or later and has no negative length"},
		{`"a" + pad_left("", 9000000, "x")`, "failed: expr.too_large the expression made more than 8388608 bytes of text for one record (limit bytes)"},
	}
	env := sampleEnv()
	for _, c := range cases {
		if got := evaluate(t, env, sampleBatch(), c.expr); got != c.want {
			t.Errorf("%s = %s\nwant %s", c.expr, got, c.want)
		}
	}
}

func TestParseAmount(t *testing.T) {
	cases := []struct {
		text string
		mark byte
		want string
	}{
		{"1,234.50", 0, "1234.50"}, {"1.234,50", 0, "1234.50"}, {"1 234,50", 0, "1234.50"}, {"1'234.50", 0, "1234.50"}, {"1\u00a0234.50", 0, "1234.50"},
		{"(1,234.50)", 0, "-1234.50"}, {"($1,234.50)", 0, "-1234.50"}, {"$(12.00)", 0, "-12.00"}, {"-€5", 0, "-5"}, {"5-", 0, "-5"}, {"+5", 0, "5"}, {"−7.5", 0, "-7.5"},
		{"USD 10", 0, "10"}, {"10 EUR", 0, "10"}, {"1,234,567", 0, "1234567"}, {"1.234.567", 0, "1234567"}, {"12,50", 0, "12.50"}, {"0.125", 0, "0.125"}, {"1234.567", 0, "1234.567"},
		{"0", 0, "0"}, {".50", 0, ".50"}, {"1,234", '.', "1234"}, {"1,234", ',', "1.234"}, {"1.234", ',', "1234"}, {"1.234", '.', "1.234"},
		{"", 0, "!"}, {"abc", 0, "!"}, {"1,2,3", 0, "!"}, {"12,34.5", 0, "!"}, {"1,234", 0, "!"}, {"1.234", 0, "!"}, {"(-5)", 0, "!"}, {"--5", 0, "!"}, {"5 5", 0, "!"},
		{"1,,234", 0, "!"}, {"1.2.3", 0, "!"}, {"12.34,56.78", 0, "!"}, {"1e5", 0, "!"}, {"()", 0, "!"}, {"1,234.50", ',', "!"}, {"$", 0, "!"}, {"1,234,567.8,9", 0, "!"}, {",234.5", 0, "!"},
	}
	for _, c := range cases {
		d, problem := parseAmount(c.text, c.mark)
		got := d.String()
		if problem != "" {
			got = "!"
		}
		want := c.want
		if want != "!" {
			want = dec(want).String()
		}
		if got != want {
			t.Errorf("%q with %q is %s (%s), want %s", c.text, c.mark, got, problem, want)
		}
	}
}
