package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/tieout/tieout/connectors"
	"github.com/tieout/tieout/schemas/document"
)

// keeper renews the tokens of a consent. The lock of the vault is held from
// the look at what is kept until the new tokens are durable, so that all
// processes that share the vault send one refresh token once.
//
// Before a refresh token is sent, an intent is written down. A process that
// dies between the server's reply and the vault loses the new token, as
// nobody can keep what nobody has written; the next one finds the intent,
// tries the old token, since many servers take it again for a while, and says
// exactly that if the server does not.
type keeper struct {
	*exchange
	vault connectors.Vault
	env   connectors.Env
	name  string

	// unkept is what a server gave and the vault would not take; it is not
	// used before it is kept.
	unkept *grant
	spent  string // the mark of the token it was given for
	final  error  // an error that stays
}

func newKeeper(e *exchange, env connectors.Env) *keeper {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	return &keeper{exchange: e, vault: env.Vault, env: env, name: slot(&e.settings, env)}
}

// login is a login func. It is called by one goroutine at a time.
func (k *keeper) login(ctx context.Context, refused string) (string, time.Time, error) {
	if k.final != nil {
		return "", time.Time{}, k.final
	}
	g, err := k.get(ctx, refused)
	var gone *goneError
	if errors.As(err, &gone) {
		// Whoever shares the vault without sharing its lock may have renewed
		// it meanwhile: one more look.
		g, err = k.again(ctx, refused, gone)
	}
	if said(err) {
		k.final = err
	}
	return g.Access, g.Use, err
}

// goneError says that the server does not take the token with a mark any more.
type goneError struct {
	mark string
	err  error
}

func (e *goneError) Error() string { return e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }

func (k *keeper) again(ctx context.Context, refused string, gone *goneError) (grant, error) {
	g, err := k.look(ctx)
	if err != nil || g.Refresh == "" || mark(g.Refresh) == gone.mark {
		return grant{}, errors.Join(gone.err, err)
	}
	return k.get(ctx, refused)
}

// look reads what is kept.
func (k *keeper) look(ctx context.Context) (g grant, err error) {
	err = k.vault.Update(ctx, k.name, func(_ context.Context, old []byte) ([]byte, error) {
		g, err = readGrant(old)
		return nil, err
	})
	return g, err
}

// get gives the grant that is kept, renewed if need be.
func (k *keeper) get(ctx context.Context, refused string) (grant, error) {
	if k.vault == nil {
		return k.without(ctx)
	}
	var got, before grant
	opened, made := false, false
	err := k.vault.Update(ctx, k.name, func(ctx context.Context, old []byte) ([]byte, error) {
		opened = true
		kept, err := readGrant(old)
		if err != nil {
			return nil, fmt.Errorf("%w: connection %q: %w", ErrConsent, k.env.Name, err)
		}
		if k.unkept != nil && mark(kept.Refresh) == k.spent {
			got, made = *k.unkept, true
			return json.Marshal(got)
		}
		if kept.fresh(k.now(), refused) {
			got = kept
			return nil, nil
		}
		if got, err = k.renew(ctx, kept); err != nil {
			return nil, err
		}
		k.unkept, k.spent, before, made = &got, mark(kept.Refresh), kept, true
		return json.Marshal(got)
	})
	switch {
	case err != nil && made:
		return grant{}, fmt.Errorf("%w: the token server gave a new token and it cannot be kept, so it is not used: %w", connectors.ErrEnvironment, err)
	case err != nil && !opened && ctx.Err() == nil:
		return grant{}, &unopened{fmt.Errorf("connection %q: %w", k.env.Name, err)}
	case err != nil:
		return grant{}, err
	case made:
		k.unkept = nil
		k.tell(&before, &got)
	}
	return got, nil
}

// without is get for a connection whose refresh token stays the same.
func (k *keeper) without(ctx context.Context) (grant, error) {
	if k.settings.rotates() {
		return grant{}, fmt.Errorf("%w: the refresh token of connection %q changes with each use, and there is no place here to keep the next one, so it is not used", connectors.ErrEnvironment, k.env.Name)
	}
	seed := k.settings.Refresh.Reveal()
	if seed == "" {
		return grant{}, k.noConsent()
	}
	t, err := k.ask(ctx, refreshForm(seed))
	if gone := new(refusedToken); errors.As(err, &gone) {
		return grant{}, k.ended(gone, grant{}, intent{})
	}
	return k.renewed(grant{}, seed, t), err
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {RefreshToken}, "refresh_token": {token}}
}

// renew sends the refresh token that is kept, or that of the settings. A
// refresh that was begun is not given up when ctx ends: its reply would be
// lost, and with it, on many servers, the consent.
func (k *keeper) renew(ctx context.Context, kept grant) (g grant, err error) {
	if err := ctx.Err(); err != nil {
		return grant{}, err
	}
	ctx = context.WithoutCancel(ctx)
	seed := k.settings.Refresh.Reveal()
	untried := seed != "" && !slices.Contains(kept.Seeds, mark(seed))
	if kept.Refresh == "" && !untried {
		return grant{}, k.noConsent()
	}
	var gone error
	if kept.Refresh != "" {
		g, err = k.send(ctx, kept, kept.Refresh)
		if refused := new(goneError); !errors.As(err, &refused) || !untried {
			return g, err
		}
		gone = err
	}
	if g, err = k.send(ctx, kept, seed); err != nil {
		return g, errors.Join(gone, err)
	}
	g.sow(seed)
	return g, nil
}

// send exchanges one refresh token, with an intent written down before.
func (k *keeper) send(ctx context.Context, kept grant, token string) (grant, error) {
	before, err := k.intend(ctx, token)
	if err != nil {
		return grant{}, err
	}
	t, err := k.ask(ctx, refreshForm(token))
	var gone *refusedToken
	switch {
	case err == nil:
		return k.renewed(kept, token, t), nil
	case errors.As(err, &gone):
		return grant{}, errors.Join(&goneError{mark(token), k.ended(gone, kept, before)}, k.settle(ctx, token, before))
	case Final(err):
		return grant{}, errors.Join(err, k.settle(ctx, token, before))
	}
	return grant{}, fmt.Errorf("%w; the refresh token is kept, and another attempt uses it again", err)
}

// intend writes down that a token is about to be sent, and gives the earlier
// intent to send the same one, if its outcome was never known.
func (k *keeper) intend(ctx context.Context, token string) (before intent, err error) {
	if !k.settings.rotates() {
		return intent{}, nil
	}
	token = mark(token)
	err = k.vault.Update(ctx, k.name+"/intent", func(_ context.Context, old []byte) ([]byte, error) {
		list := readIntents(old)
		if i := slices.IndexFunc(list, func(one intent) bool { return one.Token == token }); i >= 0 {
			before = list[i]
			return nil, nil
		}
		list = append(list, intent{Token: token, At: k.now()})
		return json.Marshal(list[max(0, len(list)-mostIntents):])
	})
	return before, err
}

// settle takes an intent back once it is known that the server did not take
// the token.
func (k *keeper) settle(ctx context.Context, token string, before intent) error {
	if !k.settings.rotates() || before.Token != "" {
		return nil
	}
	return k.vault.Update(ctx, k.name+"/intent", func(_ context.Context, old []byte) ([]byte, error) {
		return json.Marshal(without(readIntents(old), mark(token)))
	})
}

const stamp = "2006-01-02 15:04:05Z"

// noConsent says that nobody has consented yet.
func (k *keeper) noConsent() error {
	if k.settings.NeedsConsent() {
		return fmt.Errorf("%w: nobody has consented to connection %q yet; run `%s`", ErrConsent, k.env.Name, k.command())
	}
	return fmt.Errorf("%w: connection %q has no refresh token to begin with; give a new one as refresh_token under auth", ErrConsent, k.env.Name)
}

// ended says why a consent is over, as far as that is known.
func (k *keeper) ended(gone *refusedToken, kept grant, before intent) error {
	why := "it was withdrawn, replaced by another one, or not used for too long"
	switch now := k.now(); {
	case before.Token != "":
		why = fmt.Sprintf("a renewal begun at %s broke off before its reply was kept, and the server has most likely given a new token then that nobody has", before.At.UTC().Format(stamp))
	case !kept.RefreshEnd.IsZero() && !now.Before(kept.RefreshEnd):
		why = fmt.Sprintf("it ended at %s", kept.RefreshEnd.UTC().Format(stamp))
	}
	next := "run `" + k.command() + "`"
	if !k.settings.NeedsConsent() {
		next = "give a new refresh_token under auth, then run `" + k.command() + "`"
	}
	return fmt.Errorf("%w: the token server %s does not take the refresh token of connection %q any more (%w): %s; %s",
		ErrConsent, k.origin(), k.env.Name, gone, why, next)
}

// command is what a person runs to consent.
func (k *keeper) command() string {
	text := "tieout connect " + k.env.Name
	if k.env.Environment != "" {
		text = "tieout --env " + k.env.Environment + " connect " + k.env.Name
	}
	if k.settings.PerRow() {
		text += " --each " + k.env.Row
	}
	return text
}

// tell logs what a renewal changed and somebody should know.
func (k *keeper) tell(before, g *grant) {
	log := k.env.Log.With("connection", k.env.Name)
	log.Debug("token renewed", "scope", g.Scope, "until", g.Ends)
	if missing := lost(before.Scope, g.Scope); missing != "" {
		log.Warn("the service took scopes away", "code", document.CodeAuthConsent, "missing", missing)
	}
	if g.closing(k.now()) {
		log.Warn("the consent ends soon; give it again with `"+k.command()+"`", "code", document.CodeAuthConsent, "ends", g.RefreshEnd.UTC().Format(stamp))
	}
}
