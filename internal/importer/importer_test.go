package importer_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/xuri/excelize/v2"
	"go.uber.org/goleak"
	"golang.org/x/text/encoding/simplifiedchinese"

	"momentcast/internal/importer"
	"momentcast/internal/moment"
	"momentcast/internal/postgres"
	"momentcast/internal/postgres/postgrestest"
)

var rowsFlag = flag.Int("import.rows", 2000, "how many rows the large file has")

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgrestest.Wrap(m)) }

var person = moment.Origin{Actor: "lin", Source: "web"}

func open(t *testing.T) (*postgres.DB, *importer.Importer) {
	t.Helper()
	db, err := postgres.Open(postgrestest.URL(t), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	m := importer.New(db, func() {}, zerolog.Nop())
	t.Cleanup(m.Close)
	for n := range 5 {
		i := &moment.Instance{WcID: fmt.Sprint("wxid_", n), Name: fmt.Sprint("店铺", n), TimeZone: "Asia/Shanghai"}
		if _, err := db.AddInstance(t.Context(), i, person); err != nil {
			t.Fatal(err)
		}
	}
	return db, m
}

const header = "账号,发送时间,正文,标题,描述,链接,缩略图,可见范围,标签,外部编号\n"

// line is one row of the file; every hundredth names an account that is none.
func line(n int) string {
	account := fmt.Sprint("wxid_", n%5)
	if n%100 == 99 {
		account = "wxid_nobody"
	}
	due := time.Now().AddDate(0, 0, 1+n%300).Format("2006-01-02") + fmt.Sprintf(" %02d:%02d", n%24, n%60)
	return fmt.Sprintf("%s,%s,第 %d 天的茶,标题 %d,描述,https://example.com/%d,https://example.com/a.jpg,部分可见,3,tea-%d\n", account, due, n, n, n, n)
}

func file(rows int) string {
	var b strings.Builder
	b.WriteString(header)
	for n := range rows {
		b.WriteString(line(n))
	}
	return b.String()
}

func gbk(t *testing.T, s string) []byte {
	t.Helper()
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func look(t *testing.T, db *postgres.DB, id int64) *moment.Import {
	t.Helper()
	i, err := db.Import(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func commit(t *testing.T, db *postgres.DB, m *importer.Importer, id int64) *moment.Import {
	t.Helper()
	if err := m.Commit(t.Context(), id, true, person); err != nil {
		t.Fatal(err)
	}
	for range 6000 {
		if i := look(t, db, id); i.State == moment.ImportDone {
			return i
		}
		select {
		case <-t.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("the import does not end")
	return nil
}

// A GBK file: nothing is stored before it is confirmed, errors are told by row,
// and the same file again makes nothing.
func TestAFileIsImportedOnce(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	data, start := gbk(t, file(*rowsFlag)), time.Now()
	id, err := m.Upload(t.Context(), moment.ImportFile{Name: `C:\files\tea.csv`, Data: data}, moment.ImportOptions{Zone: "Asia/Shanghai"}, person)
	if err != nil {
		t.Fatal(err)
	}
	wrong := *rowsFlag / 100
	i := look(t, db, id)
	if want := (moment.ImportCounts{New: *rowsFlag - wrong, Wrong: wrong}); i.File != "tea.csv" || i.Encoding != "GBK" || i.Counts.New != want.New || i.Counts.Wrong != want.Wrong || i.State != moment.ImportChecked {
		t.Fatalf("%+v", i)
	}
	t.Logf("%d rows: dry run in %s", *rowsFlag, time.Since(start).Round(time.Millisecond))
	findings, err := db.ImportFindings(t.Context(), id, 0, 10)
	if err != nil || len(findings) == 0 || findings[0].Row != 101 || findings[0].Column != "账号" || findings[0].Severity != "error" {
		t.Fatalf("%+v, %v", findings, err)
	}
	if n, err := db.CountPosts(t.Context(), moment.PostQuery{}, 10); err != nil || n != 0 {
		t.Fatalf("%d posts before anybody confirmed, %v", n, err)
	}
	if err := m.Commit(t.Context(), id, false, person); moment.KindOf(err) != moment.Conflict {
		t.Errorf("wrong rows that nobody spoke of: %v", err)
	}
	start = time.Now()
	if i = commit(t, db, m, id); i.Counts.Created != *rowsFlag-wrong || i.Counts.Missed() != 0 {
		t.Fatalf("%+v", i.Counts)
	}
	t.Logf("commit in %s", time.Since(start).Round(time.Millisecond))
	posts, _, err := db.Posts(t.Context(), moment.PostQuery{ExternalKey: "tea-0", Limit: 1})
	if err != nil || len(posts) != 1 || posts[0].Source != "import" || posts[0].Author != "lin" || posts[0].Visibility.Labels[0] != "3" {
		t.Fatalf("%+v, %v", posts, err)
	}

	changed := strings.Replace(file(*rowsFlag), "标题 1,", "另一个标题,", 1)
	again, err := m.Upload(t.Context(), moment.ImportFile{Name: "tea.csv", Data: gbk(t, changed)}, moment.ImportOptions{Zone: "Asia/Shanghai"}, person)
	if err != nil {
		t.Fatal(err)
	}
	c := look(t, db, again).Counts
	if c.New != 0 || c.Differs != 1 || c.Exists != *rowsFlag-wrong-1 {
		t.Errorf("the same file again: %+v", c)
	}
	if i := commit(t, db, m, again); i.Counts.Created != 0 {
		t.Errorf("%d were made twice", i.Counts.Created)
	}
}

// Rows without a key are named by their content; a program that ends half way
// leaves an import that goes on where it stopped.
func TestACommitThatWasCutShortGoesOn(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	const rows = 3*moment.ImportBatch - 7
	var b strings.Builder
	b.WriteString("account,due,text,title,link,image,who\n")
	for n := range rows {
		fmt.Fprintf(&b, "店铺%d,%s 09:00,text %d,title %d,https://example.com/%d,https://example.com/a.jpg,x\n", n%5, time.Now().AddDate(0, 0, 2).Format(time.DateOnly), n, n, n)
	}
	id, err := m.Upload(t.Context(), moment.ImportFile{Name: "a.csv", Data: []byte(b.String())}, moment.ImportOptions{Visibility: moment.Everyone}, person)
	if err != nil {
		t.Fatal(err)
	}
	if c := look(t, db, id).Counts; c.New != rows {
		t.Fatalf("%+v", c)
	}
	// The first replica takes the lease, makes one batch, and dies.
	if ours, err := db.BeginCommit(t.Context(), id, false, person); err != nil || !ours {
		t.Fatal(ours, err)
	}
	if ours, err := db.BeginCommit(t.Context(), id, false, person); err != nil || ours {
		t.Fatalf("two at once: %v, %v", ours, err)
	}
	if ours, err := db.CommitPosts(t.Context(), id, 0, nil); err != nil || !ours {
		t.Fatal(ours, err)
	}
	if ours, err := db.CommitPosts(t.Context(), id, 0, nil); err != nil || ours {
		t.Fatalf("a batch twice: %v, %v", ours, err)
	}
	if err := db.LeaveCommit(t.Context(), id); err != nil { // as when its lease has run out
		t.Fatal(err)
	}
	if i := look(t, db, id); !i.Stopped() || i.Done() != moment.ImportBatch {
		t.Fatalf("%+v", i)
	}
	m.Close()
	if err := m.Commit(t.Context(), id, true, person); moment.KindOf(err) != moment.Unavailable {
		t.Errorf("a program that stops: %v", err)
	}
	next := importer.New(db, func() {}, zerolog.Nop())
	defer next.Close()
	if i := commit(t, db, next, id); i.Counts.Created != rows-moment.ImportBatch {
		t.Fatalf("%+v", i.Counts)
	}
	if n, err := db.CountPosts(t.Context(), moment.PostQuery{}, 10_000); err != nil || n != rows-moment.ImportBatch {
		t.Errorf("%d posts, %v", n, err)
	}
}

// What a row leaves out is never filled in by a guess.
func TestRowsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	day := time.Now().AddDate(0, 0, 3).Format("2006-01-02")
	rows := []struct{ row, column, message string }{
		{"wxid_0," + day + " 09:00,t,t,d,https://e.com,https://e.com/a.jpg,,,", "可见范围", "is required: everyone, allow or deny"},
		{"wxid_0," + day + " 09:00,t,t,d,https://e.com,https://e.com/a.jpg,,3,", "可见范围", "does not say whether the labels and contacts are to see it or not; write allow or deny"},
		{"wxid_0," + day + " 09:00,t,t,d,https://e.com,https://e.com/a.jpg,部分可见,,", "", "allow needs at least one user or label; an empty list is never read as everyone"},
		{"wxid_0," + day + ",t,t,d,https://e.com,https://e.com/a.jpg,所有人,,", "发送时间", "names a day and no time of day; write both, or add a column with the time"},
		{"wxid_0,,t,t,d,https://e.com,https://e.com/a.jpg,所有人,,", "发送时间", "is required: RFC 3339 with offset, such as 2026-12-01T09:00:00+08:00"},
		{",2026-12-01 09:00,t,t,d,https://e.com,https://e.com/a.jpg,所有人,,", "账号", "is required: the account's wcId, its name, or its number here"},
		{"wxid_0," + day + " 09:00,t,t,d,javascript:alert(1),https://e.com/a.jpg,所有人,,", "链接", "must begin with http:// or https://"},
	}
	text := header
	for _, r := range rows {
		text += r.row + "\n"
	}
	id, err := m.Upload(t.Context(), moment.ImportFile{Name: "a.csv", Data: []byte(text)}, moment.ImportOptions{Zone: "Asia/Shanghai"}, person)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := db.ImportFindings(t.Context(), id, 0, 100)
	if err != nil || len(findings) != len(rows) {
		t.Fatalf("%+v, %v", findings, err)
	}
	for i, f := range findings {
		if f.Row != i+2 || f.Column != rows[i].column || f.Message != rows[i].message {
			t.Errorf("row %d: %+v", i+2, f)
		}
	}
}

// heapDuring is how much of the heap is in use before do, and at most in it.
func heapDuring(do func()) (before, most uint64) {
	inUse := func() uint64 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapInuse
	}
	runtime.GC()
	before = inUse()
	stop, peak := make(chan struct{}), make(chan uint64)
	go func(highest uint64) {
		for {
			select {
			case <-stop:
				peak <- highest
				return
			case <-time.After(20 * time.Millisecond):
				highest = max(highest, inUse())
			}
		}
	}(before)
	do()
	close(stop)
	return before, <-peak
}

// workbookWithFormula is a workbook of the rows, in one cell of which a value is
// computed.
func workbookWithFormula(t *testing.T, rows [][]string, cell, formula string) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprint("A", i+1), &rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetCellFormula("Sheet1", cell, formula); err != nil {
		t.Fatal(err)
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A file of the largest size does not need memory many times its own.
func TestMemoryOfALargeFile(t *testing.T) {
	if *rowsFlag < 10_000 {
		t.Skip("with -import.rows=100000 only")
	}
	db, m := open(t)
	data := []byte(file(*rowsFlag))
	var id int64
	var err error
	start := time.Now()
	before, most := heapDuring(func() {
		id, err = m.Upload(t.Context(), moment.ImportFile{Name: "a.csv", Data: data}, moment.ImportOptions{Zone: "Asia/Shanghai"}, person)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows, %d MiB: dry run in %s, heap %d MiB at most (%d before), %+v", *rowsFlag, len(data)>>20, time.Since(start).Round(time.Millisecond),
		most>>20, before>>20, look(t, db, id).Counts)
}

// Labels are written as people know them, and the workspace's own words are
// looked for.
func TestLabelsByNameAndOwnWords(t *testing.T) {
	t.Parallel()
	db, m := open(t)
	for instance, labels := range map[int64][]moment.Label{1: {{ID: "7", Name: "老客户"}, {ID: "8", Name: "VIP members"}}, 2: {{ID: "3", Name: "老客户"}}} {
		if err := db.KeepLabels(t.Context(), instance, "w", labels); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.ChangeSettings(t.Context(), 0, func(s *moment.Settings) error { s.LintWords = "蓝罐暗号"; return nil }, person); err != nil {
		t.Fatal(err)
	}
	row := func(account, text, labels string) string {
		return fmt.Sprintf("%s,%s 09:00,%s,t,d,https://e.com,https://e.com/a.jpg,部分可见,%s,\n", account, time.Now().AddDate(0, 0, 3).Format(time.DateOnly), text, labels)
	}
	text := header + row("wxid_0", "a", "老客户、vip members") + row("wxid_1", "b", "老客户 9") + row("wxid_1", "c", "VIP members") + row("nobody", "d", "老客户") + row("wxid_0", "蓝罐暗号到了", "7")
	id, err := m.Upload(t.Context(), moment.ImportFile{Name: "a.csv", Data: []byte(text)}, moment.ImportOptions{Zone: "Asia/Shanghai"}, person)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := db.ImportFindings(t.Context(), id, 0, 100)
	if err != nil || len(findings) != 3 || findings[0].Row != 4 || findings[0].Field != "labels" || findings[1].Row != 5 || findings[1].Field != "instance" ||
		findings[2].Row != 6 || findings[2].Severity != "warn" || !strings.Contains(findings[2].Chinese, "蓝罐暗号") {
		t.Fatalf("%+v, %v", findings, err)
	}
	commit(t, db, m, id)
	var got []string
	for _, q := range []int64{1, 2} {
		posts, _, err := db.Posts(t.Context(), moment.PostQuery{InstanceID: q, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range posts {
			got = append(got, p.Card.Content+strings.Join(p.Visibility.Labels, ","))
		}
	}
	slices.Sort(got)
	if want := []string{"a7,8", "b3,9", "蓝罐暗号到了7"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
