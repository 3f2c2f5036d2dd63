package web

import "momentcast/internal/moment"

// pageRoutes are the operators' pages.
func (s *Web) pageRoutes() []route {
	const view, write, operate = moment.PermView, moment.PermWrite, moment.PermOperate
	return []route{
		{"GET /{$}", view, s.overview},
		{"GET /queue", view, s.queue},
		{"POST /queue/bulk", write, s.ask(queueBulk)},
		{"POST /queue/bulk/run", write, s.run(queueBulk)},
		{"GET /pause", operate, s.askPause},
		{"POST /pause", operate, s.pause},
		{"GET /resume", operate, s.askResume},
		{"POST /resume", operate, s.resume},
		{"GET /inbox", view, s.inbox},
		{"POST /inbox/bulk", operate, s.ask(inboxBulk)},
		{"POST /inbox/bulk/run", operate, s.run(inboxBulk)},
		{"GET /posts/{id}", view, s.post},
		{"GET /instances", view, s.instances},
		{"POST /instances/sync", operate, s.sync},
		{"GET /instances/{id}", view, s.instance},
		{"POST /instances/{id}/pacing", operate, s.change("done.pacing", readPacing)},
		{"POST /instances/{id}/pause", operate, s.change("done.instance_paused", readPause)},
		{"POST /instances/{id}/resume", operate, s.change("done.instance_resumed", readUnpause)},
		{"POST /instances/{id}/release", operate, s.change("done.instance_released", readRelease)},
		{"POST /instances/{id}/mature", operate, s.change("done.matured", readMature)},
	}
}
