package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"momentcast/internal/app"
	"momentcast/internal/moment"
)

// tokenCmd manages API tokens in the database itself: the first one cannot be
// made over an API that wants one.
type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it. It is shown this once."`
	List   tokenListCmd   `cmd:"" help:"List the tokens, without their values."`
	Revoke tokenRevokeCmd `cmd:"" help:"End a token for good."`
}

type tokenCreateCmd struct {
	Name    string         `arg:"" help:"Who or what it is for; named in the history."`
	Scope   []moment.Scope `default:"read" enum:"read,write,approve,operate,admin" help:"What it may do: read, write (create and edit posts), approve (and reject), operate (approve, retry, pause, instances), admin (everything). Repeat for several."`
	Expires time.Duration  `placeholder:"720h" help:"Time until it no longer works. Not set: never."`

	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *tokenCreateCmd) Run(ctx context.Context, term *console) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	t := moment.Token{Name: c.Name, Scopes: c.Scope}
	if c.Expires < 0 {
		return fmt.Errorf("--expires: must not be negative")
	}
	if c.Expires > 0 {
		t.ExpiresAt = time.Now().Add(c.Expires)
	}
	value, made, err := app.CreateToken(ctx, url, t)
	if err != nil {
		return err
	}
	fmt.Fprintln(term.out, value)
	fmt.Fprintf(term.err, "Token %d for %q may %s. It is shown this once; keep it like a password.\n", made.ID, made.Name, scopes(made.Scopes))
	return nil
}

type tokenListCmd struct {
	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *tokenListCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	list, err := app.ListTokens(ctx, url)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(out, "There is no token yet. Make one with: momentcast token create NAME --scope admin")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tMAY\tSTATE\tMADE\tLAST USED")
	for _, t := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s by %s\t%s\n", t.ID, t.Name, scopes(t.Scopes), tokenState(t), day(t.CreatedAt), t.CreatedBy, day(t.LastUsedAt))
	}
	return w.Flush()
}

type tokenRevokeCmd struct {
	ID int64 `arg:"" help:"As momentcast token list shows it."`

	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *tokenRevokeCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	if err := app.RevokeToken(ctx, url, c.ID); err != nil {
		return err
	}
	fmt.Fprintf(out, "Token %d is revoked. Running services refuse it within seconds.\n", c.ID)
	return nil
}

func tokenState(t moment.Token) string {
	switch {
	case !t.RevokedAt.IsZero():
		return "revoked " + day(t.RevokedAt)
	case !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(time.Now()):
		return "expired " + day(t.ExpiresAt)
	case !t.ExpiresAt.IsZero():
		return "works until " + day(t.ExpiresAt)
	}
	return "works"
}

func scopes(list []moment.Scope) string {
	var names []string
	for _, s := range list {
		names = append(names, string(s))
	}
	return strings.Join(names, ",")
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format(time.DateOnly)
}
