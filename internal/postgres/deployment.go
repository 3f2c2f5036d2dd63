package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"momentcast/internal/moment"
)

// Deployment says what CheckDeployment found.
type Deployment string

// What the identity written in the database says about it.
const (
	DeploymentSame      Deployment = "same"   // it is where it always was
	DeploymentNew       Deployment = "new"    // first start; the identity is written now
	DeploymentCopy      Deployment = "copy"   // a restored or cloned database; it is paused now
	DeploymentUntold    Deployment = "untold" // the server does not tell its identity to our user
	deploymentUndefined Deployment = ""       // with an error
	copyReason                     = "this database is a copy of another deployment: check, then resume"
)

// CheckDeployment compares the identity of the server and database with the
// one that was written in the settings when they were first used. A copy, such
// as a restored dump or a clone for tests, would send everything a second time
// that the original has sent since: it is paused before anything is sent, and
// remembers its new identity, so that it is asked about once.
//
// It cannot tell a server that was restored in place, from a base backup: that
// one has the identity of the original.
func (db *DB) CheckDeployment(ctx context.Context, by moment.Origin) (Deployment, error) {
	here, err := db.identity(ctx)
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok && (pe.Code == "42501" || pe.Code == "42883") {
		return DeploymentUntold, nil
	}
	if err != nil {
		return deploymentUndefined, fmt.Errorf("read the database's identity: %w", translate(err))
	}
	var written string
	if err := db.pool.QueryRow(ctx, `SELECT deployment FROM settings`).Scan(&written); err != nil {
		return deploymentUndefined, fmt.Errorf("read the deployment: %w", translate(err))
	}
	found := DeploymentSame
	switch written {
	case here:
		return found, nil
	case "":
		found = DeploymentNew
	default:
		// The pause comes first: if we end between the two, the next start pauses again.
		found = DeploymentCopy
		if err := db.Pause(ctx, copyReason, by); err != nil {
			return deploymentUndefined, fmt.Errorf("pause the copy: %w", err)
		}
	}
	if _, err := db.pool.Exec(ctx, `UPDATE settings SET deployment = $1`, here); err != nil {
		return deploymentUndefined, fmt.Errorf("write the deployment: %w", translate(err))
	}
	return found, nil
}

func (db *DB) identity(ctx context.Context) (id string, err error) {
	const q = `
		SELECT c.system_identifier || '/' || d.oid
		FROM pg_control_system() c, pg_database d
		WHERE d.datname = current_database()`
	err = db.pool.QueryRow(ctx, q).Scan(&id)
	return id, err
}
