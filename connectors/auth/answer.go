package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tieout/tieout/connectors"
)

// mostForeign is how many answers of others are put up with.
const mostForeign = 20

// Wait serves the redirect until the answer of this consent has come, ctx
// ends, or something other than a consent keeps asking. foreign is called for
// each answer that belongs to another one.
func (c *Consent) Wait(ctx context.Context, foreign func()) (Answer, error) {
	w := &waiting{consent: c, foreign: foreign, done: make(chan struct{})}
	server := &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	var serving sync.WaitGroup
	for _, l := range c.listeners {
		serving.Go(func() { _ = server.Serve(l) }) // ends with Close
	}
	defer serving.Wait()
	select {
	case <-w.done:
		// The page of the answer is on its way to the browser.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
		return w.answer, w.err
	case <-ctx.Done():
		_ = server.Close()
		return Answer{}, ctx.Err()
	}
}

// waiting is the handler behind the redirect. The first answer of the consent
// ends it; nothing is answered after it.
type waiting struct {
	consent *Consent
	foreign func()
	done    chan struct{}

	mu     sync.Mutex
	others int
	ended  bool
	answer Answer
	err    error
}

// hosts are what a browser may call the redirect's host. Another name that
// leads here is a page that tries to pass for it.
func (w *waiting) hosts() []string {
	port := w.consent.redirect.Port()
	if port == "" {
		port = "80"
	}
	hosts := []string{w.consent.redirect.Host, net.JoinHostPort(w.consent.redirect.Hostname(), port)}
	if port == "80" {
		hosts = append(hosts, w.consent.redirect.Hostname())
	}
	return hosts
}

func (w *waiting) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	h := to.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Connection", "close")
	switch {
	case !slices.Contains(w.hosts(), r.Host):
		page(to, http.StatusForbidden, "This address is for another host.")
	case r.URL.Path != w.consent.redirect.Path:
		page(to, http.StatusNotFound, "There is nothing here.")
	case r.Method != http.MethodGet:
		page(to, http.StatusMethodNotAllowed, "There is nothing here.")
	default:
		w.take(to, r.URL.Query())
	}
}

func (w *waiting) take(to http.ResponseWriter, q url.Values) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		page(to, http.StatusGone, "An answer has come already. You may close this page.")
		return
	}
	answer, err := w.consent.read(q)
	if errors.Is(err, ErrForeign) {
		w.foreign()
		if w.others++; w.others < mostForeign {
			page(to, http.StatusBadRequest, "This answer belongs to another consent. Close this page and use the newest address.")
			return
		}
		err = fmt.Errorf("%w: %d answers came that do not belong to this consent; begin again", connectors.ErrEnvironment, w.others)
	}
	w.ended, w.answer, w.err = true, answer, err
	if err != nil {
		page(to, http.StatusOK, "The consent was not given; the terminal says why. You may close this page.")
	} else {
		page(to, http.StatusOK, "Thank you. Tieout goes on in the terminal; you may close this page.")
	}
	close(w.done)
}

// page writes a page that holds nothing of the request.
func page(to http.ResponseWriter, status int, text string) {
	to.WriteHeader(status)
	_, _ = io.WriteString(to, "<!doctype html><title>Tieout</title><p>"+text+"</p>\n")
}
