package importer

import (
	"context"
	"strconv"
	"strings"

	"momentcast/internal/moment"
)

// Check reads the rows as o says and finds what they are: new, there already,
// different, or wrong. It makes nothing of them.
func (m *Importer) Check(ctx context.Context, id, ifVersion int64, o moment.ImportOptions, by moment.Origin) error {
	i, err := m.store.Import(ctx, id)
	if err != nil {
		return err
	}
	if err := checkZone(o.Zone); err != nil {
		return err
	}
	b, err := m.book(ctx, i, o, by)
	if err != nil {
		return err
	}
	b.Columns = b.kind.known(o.Columns, i.Header)
	p, err := b.kind.planner(ctx, b)
	if err != nil {
		return err
	}
	version, err := m.store.BeginCheck(ctx, id, ifVersion, b.ImportOptions)
	if err != nil {
		return err
	}
	if err := m.store.RememberColumns(ctx, by.Actor, i.Kind, i.Header, b.Columns); err != nil {
		return err
	}
	c := check{book: b, planner: p, first: make(map[string]int)}
	for batch := range i.Batches {
		rows, err := m.store.ImportBatch(ctx, id, batch)
		if err != nil {
			return err
		}
		if err := c.batch(ctx, rows); err != nil {
			return err
		}
	}
	return m.store.EndCheck(ctx, id, version, c.counts, c.findings)
}

// check gathers what a check finds.
type check struct {
	*book
	planner  planner
	counts   moment.ImportCounts
	findings []moment.ImportFinding
	first    map[string]int // key → the row that has it
}

func (c *check) batch(ctx context.Context, rows []moment.ImportRow) error {
	plans := make([]planned, len(rows))
	var keys []string
	for i, r := range rows {
		plans[i] = c.plan(c.planner, r)
		c.repeated(&plans[i])
		if t := plans[i].thing; t != nil {
			keys = append(keys, t.key())
		}
	}
	there, err := c.planner.there(ctx, keys)
	if err != nil {
		return err
	}
	for i := range plans {
		c.count(&plans[i], there)
	}
	return nil
}

// repeated finds a key that an earlier row of the file has.
func (c *check) repeated(r *planned) {
	if r.thing == nil {
		return
	}
	key := r.thing.key()
	if row, ok := c.first[key]; ok {
		r.thing = nil
		r.findings = []moment.ImportFinding{c.keyFinding(r.row, "error",
			"is the same "+c.kind.noun[1]+" as row "+strconv.Itoa(row)+", or has its key",
			"与第 "+strconv.Itoa(row)+" 行是同一个"+c.kind.noun[0]+"，或用了同一个编号；请删掉一行，或改编号")}
		return
	}
	c.first[key] = r.row
}

// keyFinding is about what a row is named by.
func (c *check) keyFinding(row int, severity, message, chinese string) moment.ImportFinding {
	const field = "external_key"
	return moment.ImportFinding{Row: row, Column: c.heading(field), Field: field, Severity: severity, Message: message, Chinese: chinese}
}

func (c *check) count(r *planned, there map[string]thing) {
	if r.thing == nil {
		c.counts.Wrong++
		c.tell(r.findings...)
		return
	}
	if was, ok := there[r.thing.key()]; ok {
		differs := r.thing.differences(was)
		if len(differs) == 0 {
			c.counts.Exists++
			return
		}
		c.counts.Differs++
		number := strconv.FormatInt(was.id(), 10)
		c.tell(c.keyFinding(r.row, "differs",
			"exists as "+c.kind.noun[1]+" "+number+", with another "+c.words(differs, false)+"; it stays as it is",
			"已有"+c.kind.noun[0]+" #"+number+"，但 "+c.words(differs, true)+" 不同；导入不会改动它"))
		return
	}
	c.counts.New++
	if len(r.findings) > 0 {
		c.counts.Warned++
		c.tell(r.findings...)
	}
}

// tell keeps findings, as many as are stored: a file may be wrong in all of its
// rows.
func (c *check) tell(list ...moment.ImportFinding) {
	c.findings = append(c.findings, list[:min(len(list), moment.MaxFindings-len(c.findings))]...)
}

func (c *check) words(fields []string, chinese bool) string {
	words := make([]string, len(fields))
	for i, f := range fields {
		words[i] = c.kind.word(f, chinese)
	}
	if chinese {
		return strings.Join(words, "、")
	}
	return strings.Join(words, ", ")
}
