package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"momentcast/internal/app"
	"momentcast/internal/moment"
)

// userCmd manages people in the database itself: the way in when nobody can
// sign in any more.
type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Add a person."`
	List    userListCmd    `cmd:"" help:"List everybody."`
	Passwd  userPasswdCmd  `cmd:"" help:"Set a new password; ends a lock and signs the person out everywhere."`
	Role    userRoleCmd    `cmd:"" help:"Replace a person's roles."`
	Disable userDisableCmd `cmd:"" help:"Shut a person out, at once. What they did stays under their name."`
	Enable  userEnableCmd  `cmd:"" help:"Let a person in again."`
}

// passwordFlags say where a password is read from. It is never an argument:
// those are seen by everybody on the machine and kept by the shell.
type passwordFlags struct {
	PasswordFile string `placeholder:"FILE" help:"Read the password from the first line of FILE. Not set: asked for on a terminal, else the first line of standard input."`
}

func (f passwordFlags) read(prompt io.Writer) (string, error) {
	if f.PasswordFile != "" {
		file, err := os.Open(f.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		defer func() { _ = file.Close() }() // it was read only
		return firstLine(file)
	}
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) {
		return firstLine(os.Stdin)
	}
	first, err := ask(in, prompt, "Password: ")
	if err != nil {
		return "", err
	}
	again, err := ask(in, prompt, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("the two passwords are not the same; nothing was stored")
	}
	return first, nil
}

func ask(in int, prompt io.Writer, what string) (string, error) {
	fmt.Fprint(prompt, what)
	b, err := term.ReadPassword(in)
	fmt.Fprintln(prompt)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(b), nil
}

func firstLine(r io.Reader) (string, error) {
	s, err := bufio.NewReader(io.LimitReader(r, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(s, "\r\n"), nil
}

type userAddCmd struct {
	Name    string        `arg:"" help:"What the person signs in with; cannot be changed later."`
	Role    []moment.Role `default:"viewer" enum:"viewer,editor,approver,operator,admin" help:"${enum}. Repeat for several."`
	Display string        `help:"Name to show instead."`

	Password passwordFlags `embed:""`
	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *userAddCmd) Run(ctx context.Context, term *console) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	password, err := c.Password.read(term.err)
	if err != nil {
		return err
	}
	u, err := app.AddUser(ctx, url, moment.User{Name: c.Name, Display: c.Display, Roles: c.Role}, password)
	if err != nil {
		return err
	}
	fmt.Fprintf(term.out, "%s (%s) was added.\n", u.Name, roles(u.Roles))
	return nil
}

type userListCmd struct {
	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *userListCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	list, err := app.ListUsers(ctx, url)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(out, "There is nobody yet. Make an administrator with: momentcast user add NAME --role admin")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSHOWN AS\tROLES\tSTATE\tADDED\tLAST LOGIN")
	for _, u := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Name, u.Shown(), roles(u.Roles), userState(u), day(u.CreatedAt), day(u.LastLoginAt))
	}
	return w.Flush()
}

func userState(u moment.User) string {
	switch {
	case u.Disabled:
		return "disabled"
	case !u.LockedUntil.IsZero():
		return "locked until " + u.LockedUntil.Local().Format("15:04:05")
	}
	return "active"
}

func roles(list []moment.Role) string {
	var names []string
	for _, r := range list {
		names = append(names, string(r))
	}
	return strings.Join(names, ",")
}

type userPasswdCmd struct {
	Name string `arg:"" help:"Whose password."`

	Password passwordFlags `embed:""`
	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *userPasswdCmd) Run(ctx context.Context, term *console) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	password, err := c.Password.read(term.err)
	if err != nil {
		return err
	}
	if err := app.SetPassword(ctx, url, c.Name, password); err != nil {
		return err
	}
	fmt.Fprintf(term.out, "%s has a new password and is signed out everywhere.\n", c.Name)
	return nil
}

type userRoleCmd struct {
	Name string        `arg:"" help:"Whose roles."`
	Role []moment.Role `arg:"" enum:"viewer,editor,approver,operator,admin" help:"All roles the person is to have: ${enum}."`

	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *userRoleCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	if err := app.SetRoles(ctx, url, c.Name, c.Role); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is %s from the next request on.\n", c.Name, roles(c.Role))
	return nil
}

type userDisableCmd struct {
	Name string `arg:"" help:"Whom to shut out."`

	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *userDisableCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	if err := app.SetDisabled(ctx, url, c.Name, true); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is shut out, and signed out everywhere.\n", c.Name)
	return nil
}

type userEnableCmd struct {
	Name string `arg:"" help:"Whom to let in."`

	Database databaseFlags `embed:"" group:"database"`
}

// Run implements the command.
func (c *userEnableCmd) Run(ctx context.Context, out io.Writer) error {
	url, err := c.Database.url()
	if err != nil {
		return err
	}
	if err := app.SetDisabled(ctx, url, c.Name, false); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s may sign in again.\n", c.Name)
	return nil
}
