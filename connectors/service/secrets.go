package service

// shortest is how long a secret is that is looked for in what a service
// writes; shorter ones are found by chance.
const shortest = 4

// secrets are the secret texts a connection sends.
func (c *Connection) secrets() []string {
	var out []string
	add := func(text string) {
		if len(text) >= shortest {
			out = append(out, text)
		}
	}
	a := &c.Auth.Settings
	for _, s := range []string{a.Value.Reveal(), a.Password.Reveal(), a.Token.Reveal(), a.ClientSecret.Reveal(), a.Refresh.Reveal()} {
		add(s)
	}
	if c.soap != nil && c.soap.security != nil {
		add(c.soap.security.Password.Reveal())
	}
	for _, list := range []*Values{&c.Config.Values, &c.Headers.Values, &c.Query.Values} {
		for _, v := range list.values {
			v.secrets(add)
		}
	}
	if c.Auth.Session != nil {
		c.Auth.Session.Request.secrets(add)
	}
	for i := range c.Streams.Entries {
		c.Streams.Entries[i].Value.Request.secrets(add)
	}
	return out
}

// secrets visits the texts of a request that come from references.
func (r *Request) secrets(add func(string)) {
	for _, list := range []*Values{&r.Headers.Values, &r.Query.Values} {
		for _, v := range list.values {
			v.secrets(add)
		}
	}
	if r.Body != nil {
		r.Body.secrets(add)
	}
}

// secrets visits the texts of a value that come from references.
func (v *Value) secrets(add func(string)) {
	if v.kind == referring {
		add(v.secret.Reveal())
	}
	for _, one := range v.items {
		one.secrets(add)
	}
}
