package web

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// The kinds of failure of an exchange.
var (
	// ErrRefused: the configuration asks for something that is not allowed.
	// It wraps connectors.ErrConfig and carries its code.
	ErrRefused = fmt.Errorf("%w: %s", connectors.ErrConfig, document.CodeNetRefused)
	// ErrTooLarge: the reply was longer than it may be.
	ErrTooLarge = errors.New("reply too large")
	// ErrTimeout: time ran out. It wraps connectors.ErrEnvironment.
	ErrTimeout = fmt.Errorf("%w: timeout", connectors.ErrEnvironment)
)

// explain turns an error of the transport into one that names the origin and
// no more. What lies beneath is not wrapped: it may quote the request, the
// proxy's credentials or the server's words.
func explain(ctx context.Context, at origin, err error) error {
	var address *addressError
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("ask %s: %w", at, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil, isTimeout(err):
		return fmt.Errorf("%w: %s did not answer in time", ErrTimeout, at)
	case errors.As(err, &address):
		return fmt.Errorf("%w: %s leads to %w", ErrRefused, at, address)
	case strings.Contains(err.Error(), "response headers exceeded"):
		return fmt.Errorf("%w: the header of the reply of %s exceeds %d bytes", ErrTooLarge, at, maxHeader)
	}
	if why := trust(err); why != "" {
		return fmt.Errorf("%w: reach %s: %s", ErrTLS, at, why)
	}
	return fmt.Errorf("%w: reach %s: %s", connectors.ErrEnvironment, at, cause(err))
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// cause says what went wrong in words that hold nothing of the request.
func cause(err error) string {
	var (
		name   *net.DNSError
		number syscall.Errno
		packed flate.CorruptInputError
	)
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "there is no host of that name"
	case errors.As(err, &name):
		return "its name could not be looked up"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &packed):
		return "its reply is not packed as its Content-Encoding says, or damaged"
	case errors.As(err, &number):
		return number.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended before the reply"
	}
	return "the exchange broke off"
}

// retryAfter reads both forms of the header: seconds and a date. Some services
// send a part of a second, which is rounded up. What cannot be read, and what
// has passed, is 0.
func retryAfter(text string, now time.Time) time.Duration {
	const most = 365 * 24 * time.Hour
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	whole, part, _ := strings.Cut(text, ".")
	if whole != "" && strings.Trim(whole+part, "0123456789") == "" {
		seconds, err := strconv.ParseInt(whole, 10, 64)
		if err != nil || seconds >= int64(most/time.Second) {
			return most
		}
		if strings.Trim(part, "0") != "" {
			seconds++
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(most, max(0, at.Sub(now)))
}
