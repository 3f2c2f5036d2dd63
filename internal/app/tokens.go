package app

import (
	"context"
	"errors"
	"os/user"

	"momentcast/internal/moment"
	"momentcast/internal/postgres"
)

// maxTokens is how many ListTokens returns.
const maxTokens = 1000

// CreateToken makes an API token in the database at url and returns its value,
// which is not kept anywhere.
func CreateToken(ctx context.Context, url Secret, t moment.Token) (value string, made moment.Token, err error) {
	if err := t.Check(); err != nil {
		return "", made, err
	}
	err = withDatabase(url, func(db *postgres.DB) error {
		value = moment.NewTokenValue()
		made, err = db.CreateToken(ctx, t, moment.HashToken(value), operator())
		return err
	})
	return value, made, err
}

// ListTokens returns the API tokens in the database at url, the first 1000.
func ListTokens(ctx context.Context, url Secret) (list []moment.Token, err error) {
	err = withDatabase(url, func(db *postgres.DB) error {
		list, err = db.ListTokens(ctx, 0, maxTokens)
		return err
	})
	return list, err
}

// RevokeToken ends an API token for good. Running services notice within
// seconds.
func RevokeToken(ctx context.Context, url Secret, id int64) error {
	return withDatabase(url, func(db *postgres.DB) error {
		return db.RevokeToken(ctx, id, operator())
	})
}

func withDatabase(url Secret, do func(*postgres.DB) error) error {
	db, err := postgres.Open(url.Reveal(), postgres.Options{EngineConns: 1, Conns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	err = do(db)
	switch moment.KindOf(err) {
	case "":
		return nil
	case moment.Unavailable, moment.Internal:
		return Plain("use the database", err)
	}
	return errors.New(moment.MessageOf(err))
}

// operator is who runs the command, for the audit trail.
func operator() moment.Origin {
	name := "command line"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	return moment.Origin{Actor: name, Source: "cli"}
}
