package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFS embed.FS

const staticPrefix = "/static/"

// assets are the files that pages refer to. Their addresses carry a hash of
// all of them, so that a browser keeps them for ever and never mixes versions.
type assets struct {
	prefix string // /static/<hash>/
	files  map[string]asset
}

type asset struct {
	mime        string
	plain, gzip []byte // gzip is nil where it saves nothing
}

// readAssets reads, compresses and hashes the embedded files.
func readAssets() *assets {
	a := &assets{files: make(map[string]asset)}
	sum := sha256.New()
	err := fs.WalkDir(staticFS, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := staticFS.ReadFile(name)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(name, "static/")
		sum.Write([]byte(short))
		sum.Write(b)
		a.files[short] = asset{mime: mimeOf(name), plain: b, gzip: zip(b)}
		return nil
	})
	if err != nil {
		panic(err) // they are part of the program
	}
	a.prefix = staticPrefix + hex.EncodeToString(sum.Sum(nil))[:16] + "/"
	return a
}

// mimeOf does not ask the machine, which may know no types or others.
func mimeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return mime.TypeByExtension(".png")
	}
	return "text/plain; charset=utf-8"
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	_, _ = z.Write(b) // to memory
	_ = z.Close()
	if out.Len() >= len(b) {
		return nil
	}
	return out.Bytes()
}

// url is the address of a file.
func (a *assets) url(name string) string { return a.prefix + name }

// ServeHTTP serves the files under their present addresses only: an old
// address must not be kept with new content.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, a.prefix)
	f, known := a.files[name]
	if !ok || !known {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if f.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.gzip
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
