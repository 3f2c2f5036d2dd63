package web

import "momentcast/internal/moment"

func (s *Web) moreRoutes() []route {
	return []route{
		{"GET /jobs/{key}", moment.PermView, s.showJob},
	}
}
