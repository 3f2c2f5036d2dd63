package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
)

// journal is the file of accepted changes, one JSON line each. One write per
// line hands it to the kernel, which is what outlives a killed process.
type journal struct {
	mu   sync.Mutex
	file *os.File // nil = none
}

func (j *journal) on() bool { return j.file != nil }

// append writes one line; without a journal it does nothing.
func (j *journal) append(a Accepted) error {
	if j.file == nil {
		return nil
	}
	line, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode journal line: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

func (j *journal) truncate() error {
	if j.file == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Truncate(0) // opened for appending: the next write is at 0
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Close()
}

// loadJournal opens the journal and replays it.
func (s *Sim) loadJournal(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	if err := s.replay(f); err != nil {
		return errors.Join(fmt.Errorf("read journal %s: %w", path, err), f.Close())
	}
	s.journal.file = f
	return nil
}

// replay applies the lines of f. An unfinished last line was never answered
// as posted: it is cut off. Any other broken line is an error, because a
// referee must not forget in silence.
func (s *Sim) replay(f *os.File) error {
	r := bufio.NewReaderSize(f, 1<<16)
	var good int64
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if len(line) > 0 {
				s.log.Warn().Int("bytes", len(line)).Msg("journal ends in an unfinished line, cut off")
			}
			return f.Truncate(good)
		}
		if err != nil {
			return err
		}
		var a Accepted
		if err := json.Unmarshal(bytes.TrimSpace(line), &a); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := s.restore(a); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		good += int64(len(line))
	}
}

// restore puts one change of the journal back. An account nobody configured
// is added off line, so that its truth is not lost.
func (s *Sim) restore(a Accepted) error {
	id, err := strconv.ParseUint(a.MomentID, 10, 64)
	if err != nil {
		return fmt.Errorf("moment id: %w", err)
	}
	acc := s.account(a.WcID)
	if acc == nil {
		s.AddAccount(Account{WcID: a.WcID, Offline: true})
		acc = s.account(a.WcID)
	}
	s.seq.Store(max(s.seq.Load(), a.Seq))
	acc.mu.Lock()
	defer acc.mu.Unlock()
	if a.Call == callSend {
		s.lastID.Store(max(s.lastID.Load(), id))
		acc.add(&moment{id: id, seq: a.Seq, at: a.At.UnixNano(), due: dueOf(a.Request.URL), wID: a.WID, req: a.Request, fault: a.Fault})
		s.tally.outcome(outcomeOf(a.Fault))
		return nil
	}
	m := acc.find(id)
	if m == nil {
		return fmt.Errorf("%s of a moment that is not there: %s", a.Call, a.MomentID)
	}
	s.apply(acc, m, a)
	return nil
}
