package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

const scheme = "HOWDAH-HMAC-SHA256"

// signer signs calls of one method with one body; every call gets its own nonce and correlation id.
type signer struct {
	keyID, audience, path, tenant, bodyHash string
	secret                                  []byte
}

func newSigner(keyID string, secret []byte, audience, path, tenant string, body []byte) *signer {
	hash := sha256.Sum256(body)
	return &signer{
		keyID: keyID, secret: secret, audience: audience, path: path, tenant: tenant,
		bodyHash: hex.EncodeToString(hash[:]),
	}
}

// pairs returns keys and values in turn, as both metadata and HTTP headers take them.
func (s *signer) pairs() []string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: documented since Go 1.24
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	nonce := base64.RawURLEncoding.EncodeToString(random[:16])
	correlation := uuid(random[16:])
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(strings.Join([]string{
		scheme, s.keyID, timestamp, nonce, s.audience, s.path, s.tenant, correlation, s.bodyHash,
	}, "\n")))
	return []string{
		"x-internal-key-id", s.keyID,
		"x-internal-timestamp", timestamp,
		"x-internal-nonce", nonce,
		"x-internal-signature", "v1=" + hex.EncodeToString(mac.Sum(nil)),
		"x-tenant-id", s.tenant,
		"x-correlation-id", correlation,
	}
}

// uuid writes 16 random bytes as a UUID of version 4.
func uuid(random []byte) string {
	random[6] = random[6]&0x0f | 0x40
	random[8] = random[8]&0x3f | 0x80
	text := hex.EncodeToString(random)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
