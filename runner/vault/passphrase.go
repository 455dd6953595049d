package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"
)

// passphrase is a key made of words. The words are stretched once for each
// process, which takes about a tenth of a second, and not once for each entry
// as age's own passphrases are: the salt is the project's name, so that all
// machines of a project come to the same key.
type passphrase struct{ aead cipher.AEAD }

const (
	stanzaType   = "tieout-passphrase"
	scryptCost   = 1 << 15 // 32 MiB
	scryptBlocks = 8
)

func newPassphrase(words, project string) (*passphrase, error) {
	raw, err := scrypt.Key([]byte(words), []byte("tieout vault 1\n"+project), scryptCost, scryptBlocks, 1, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(raw)
	return &passphrase{aead: aead}, err
}

// Wrap seals the key of one entry.
func (p *passphrase) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	nonce := make([]byte, p.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return []*age.Stanza{{Type: stanzaType, Body: p.aead.Seal(nonce, nonce, fileKey, []byte(stanzaType))}}, nil
}

// Unwrap opens the key of one entry.
func (p *passphrase) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if n := p.aead.NonceSize(); s.Type == stanzaType && len(s.Body) > n {
			if key, err := p.aead.Open(nil, s.Body[:n], s.Body[n:], []byte(stanzaType)); err == nil {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("no stanza fits: %w", age.ErrIncorrectIdentity)
}
