package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// keepAlive is how long the listener waits in silence before it asks whether
// the connection still is one: a half-open one never says that it is not.
const keepAlive = 15 * time.Second

// Listen implements dispatch.Store: it calls woken for every notification until
// ctx ends or the connection does. Notifications are a quickening only; a
// caller that polls as well loses nothing when they are lost.
func (db *DB) Listen(ctx context.Context, woken func()) error {
	conn, err := pgx.ConnectConfig(ctx, db.engine.Config().ConnConfig.Copy())
	if err != nil {
		return fmt.Errorf("listen: %w", translate(err))
	}
	defer func() {
		bye, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		_ = conn.Close(bye) // nothing to save on it
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+wakeChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		quiet, done := context.WithTimeout(ctx, keepAlive)
		_, err := conn.WaitForNotification(quiet)
		silent := quiet.Err() != nil
		done()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			woken()
		case !silent:
			return fmt.Errorf("listen: %w", err)
		default:
			if err := pingWithin(ctx, conn, 5*time.Second); err != nil {
				return fmt.Errorf("listen: connection lost: %w", err)
			}
		}
	}
}

func pingWithin(ctx context.Context, conn *pgx.Conn, limit time.Duration) error {
	ctx, done := context.WithTimeout(ctx, limit)
	defer done()
	return conn.Ping(ctx)
}
