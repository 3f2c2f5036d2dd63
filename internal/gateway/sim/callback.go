package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	callbackTimeout = 6 * time.Second // what the gateway grants a receiver
	callbackWorkers = 8
	callbackQueue   = 4096
)

// callbacks tells the registered URL which accounts went off line. Workers
// start on demand, at most callbackWorkers, and end when the queue is empty.
type callbacks struct {
	log     zerolog.Logger
	account string
	client  *http.Client
	start   func() // starts a worker
	cancel  context.CancelFunc

	mu      sync.Mutex
	url     string
	queue   [][]byte
	workers int
	closed  bool
	wg      sync.WaitGroup
}

func (h *callbacks) init(log zerolog.Logger, account string) {
	h.log, h.account = log, account
	h.client = &http.Client{Timeout: callbackTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithCancel(context.Background())
	h.start = func() { h.wg.Go(func() { h.work(ctx) }) }
	h.cancel = cancel
}

func (h *callbacks) register(url string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.url = url
}

// target is the registered URL, nil when there is none.
func (h *callbacks) target() *string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.url == "" {
		return nil
	}
	return new(h.url)
}

// offline queues the notice that an account went off line.
func (h *callbacks) offline(wcID, wID, reason string) {
	var notice struct {
		Account     string `json:"account"`
		MessageType string `json:"messageType"`
		WcID        string `json:"wcId"`
		Data        struct {
			WID    string `json:"wId"`
			Reason string `json:"reason"`
		} `json:"data"`
	}
	notice.Account, notice.MessageType, notice.WcID = h.account, "30000", wcID
	notice.Data.WID, notice.Data.Reason = wID, reason
	body, err := json.Marshal(notice)
	if err != nil {
		panic(err) // strings only
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.url == "" || h.closed:
		return
	case len(h.queue) >= callbackQueue:
		h.log.Warn().Str("wc_id", wcID).Msg("callback queue full, notice dropped")
		return
	}
	h.queue = append(h.queue, body)
	if h.workers < callbackWorkers {
		h.workers++
		h.start()
	}
}

func (h *callbacks) work(ctx context.Context) {
	for {
		h.mu.Lock()
		if len(h.queue) == 0 || h.closed {
			h.workers--
			h.mu.Unlock()
			return
		}
		body, url := h.queue[0], h.url
		h.queue = h.queue[1:]
		h.mu.Unlock()
		if err := h.post(ctx, url, body); err != nil {
			h.log.Warn().Err(err).Msg("callback not delivered")
		}
	}
}

func (h *callbacks) post(ctx context.Context, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // the answer is not looked at
	return nil
}

// close drops what is queued, cuts off what is under way and waits for it.
func (h *callbacks) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.wg.Wait()
}
