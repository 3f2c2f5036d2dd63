package web

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"momentcast/internal/moment"
)

// speakers are the packages whose messages a page can show. Of each the
// functions whose results are the text of a field.
var speakers = map[string][]string{
	"moment":      {"checkDue", "checkText", "checkURL", "CheckZone", "checkUserName", "checkRoles", "checkTemplate", "CheckPassword", "checkLabel"},
	"postgres":    nil,
	"auth":        nil,
	"addressbook": nil,
	"importer":    nil,
	"schedule":    {"item", "bounds", "mistaken", "product", "checkCount", "checkRegion", "checkTimes", "ParseWall", "ParseDate", "parseBound"},
	"linkcheck":   nil,
	"gateway":     nil,
	"web":         nil,
}

// Whatever the domain says to a person has a Chinese text. In English its own
// words are shown.
func TestEveryMessageHasAChineseText(t *testing.T) {
	t.Parallel()
	c := readCatalogues()[zhCN]
	for name, texts := range speakers {
		for message, where := range messagesOf(t, name, texts) {
			text, ok := c["say."+message]
			if !ok && silent[message] == "" {
				t.Errorf("%s: no text for %q", where, message)
			}
			if ok && strings.Count(text, "%") != strings.Count(message, "%") {
				t.Errorf("%s: %q is made of other things than %q", where, text, message)
			}
		}
	}
}

// silent are the messages that no page can meet, and why.
var silent = map[string]string{
	"This Idempotency-Key was used for a different request; use a new key for a new request.": "a page answers a form that was sent twice in words of its own",
	"%s: %s": "the name of a field of a cron expression stands first: say.minute: %s and so on",
	"A page of a timeline begins at a moment id.":                        "no page turns the pages of a timeline",
	"The bootstrap token is too short; it needs at least %d characters.": "said when the program starts",
}

// messagesOf are the messages and formats in the package's source, with where
// they stand: those of errors and fields, and what the named functions return.
func messagesOf(t *testing.T, name string, texts []string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	set := token.NewFileSet()
	dir := filepath.Join("..", name)
	files, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", dir, files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || name == "schedule" && file == "explain.go" {
			continue // the notes of a preview are told in both languages there
		}
		parsed, err := parser.ParseFile(set, filepath.Join(dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		found := func(e ast.Expr) {
			if m, ok := literal(e); ok && m != "" && m != "%s" {
				out[m] = name + "/" + file + ":" + strconv.Itoa(set.Position(e.Pos()).Line)
			}
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				inCall(n, found)
			case *ast.CompositeLit:
				inLiteral(n, found)
			case *ast.FuncDecl:
				if slices.Contains(texts, n.Name.Name) {
					ast.Inspect(n.Body, func(n ast.Node) bool {
						if r, ok := n.(*ast.ReturnStmt); ok {
							for _, e := range r.Results {
								if m, ok := literal(e); ok && strings.Contains(m, " ") {
									found(e)
								}
							}
						}
						return true
					})
				}
			}
			return true
		})
	}
	return out
}

// inCall finds the message of moment.Errorf(kind, "…") and of add("path", "…")
// and r.wrong("field", "…"), as the checks of fields call their helper, and of
// choice(r, "field", words, "…").
func inCall(call *ast.CallExpr, found func(ast.Expr)) {
	switch nameIn(call.Fun) {
	case "Errorf":
		if len(call.Args) > 1 {
			if _, ok := literal(call.Args[0]); !ok { // not fmt.Errorf
				found(call.Args[1])
			}
		}
	case "add", "bad", "wrong", "choice":
		if _, ok := call.Fun.(*ast.Ident); !ok && nameIn(call.Fun) != "wrong" {
			return
		}
		for i, e := range call.Args {
			if i == 0 && nameIn(call.Fun) == "add" {
				continue
			}
			if m, ok := literal(e); ok && strings.Contains(m, " ") {
				found(e)
			}
		}
	}
}

// inLiteral finds the message of Error{Message: "…"} and of Field{path, "…"}.
func inLiteral(lit *ast.CompositeLit, found func(ast.Expr)) {
	switch kind := nameIn(lit.Type); kind {
	case "Error", "Field":
		for i, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok && nameIn(kv.Key) == "Message" {
				found(kv.Value)
			} else if !ok && kind == "Field" && i == 1 {
				found(e)
			}
		}
	case "[]Field":
		for _, e := range lit.Elts {
			if one, ok := e.(*ast.CompositeLit); ok && one.Type == nil {
				inLiteral(&ast.CompositeLit{Type: ast.NewIdent("Field"), Elts: one.Elts}, found)
			}
		}
	}
}

func nameIn(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.ArrayType:
		return "[]" + nameIn(e.Elt)
	}
	return ""
}

// literal is the text of a string literal, of a sum of them, of a new error, or
// the format of a Sprintf or Errorf.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, okA := literal(e.X)
		b, okB := literal(e.Y)
		return a + b, okA && okB
	case *ast.CallExpr:
		if name := nameIn(e.Fun); (name == "Sprintf" || name == "Errorf" || name == "New") && len(e.Args) > 0 {
			return literal(e.Args[0])
		}
	}
	return "", false
}

func TestMessagesWithSomethingFilledIn(t *testing.T) {
	t.Parallel()
	c := catalogue{
		"lang": zhCN, "say-separator": "、", "state.draft": "草稿", "state.sent": "已发送",
		"say.is longer than %d characters": "超过 %s 字", "say.is longer than 5 characters": "就五个",
		"say.%d of %d": "%[2]s 中的 %[1]s", "say.%q is wrong: %s": "%s 不对：%s", "say.only while %s": "须为%s",
	}
	for message, want := range map[string]string{
		"is longer than 200 characters": "超过 200 字", "is longer than 5 characters": "就五个",
		"is longer than x characters": "", "is longer than 200 characters!": "", "is longer than  characters": "", "": "",
		"3 of 7": "7 中的 3", `"a %s b" is wrong: is longer than 20 characters`: `a %s b 不对：超过 20 字`,
		"only while draft or sent": "须为草稿、已发送", "only while <b>": "须为<b>",
	} {
		if got, ok := c.said(message); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", message, got, ok, want)
		}
	}
	p := explain(c, &moment.Error{Kind: moment.Invalid, Message: "3 of 7", Fields: []moment.Field{{Path: "a", Message: "is longer than 9 characters"}, {Path: "b", Message: "unheard of"}}, Err: errors.New("x")})
	if p.Why != "7 中的 3" || !maps.Equal(p.Fields, map[string]string{"a": "超过 9 字", "b": "unheard of"}) {
		t.Errorf("%+v", p)
	}
}
