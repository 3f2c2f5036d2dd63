package client

// Import is a file of posts on its way in.
type Import struct {
	ID     int64  `json:"id"`
	Kind   string `json:"kind"` // "posts" or "campaigns"
	File   string `json:"file"`
	State  string `json:"state"`
	Rows   int    `json:"rows"`
	Counts struct {
		New     int `json:"new"`
		Exists  int `json:"exists"`
		Differs int `json:"differs"`
		Errors  int `json:"errors"`
		Warned  int `json:"warned"`
		Created int `json:"created"`
	} `json:"counts"`
	Progress struct {
		Rows    int  `json:"rows"`
		Stopped bool `json:"stopped"`
	} `json:"progress"`
	Columns []struct {
		Header string `json:"header"`
		Field  string `json:"field"`
	} `json:"columns"`
	Findings Page[RowFinding] `json:"findings"`
}

// RowFinding is what there is to say of a row of an import.
type RowFinding struct {
	Row      int    `json:"row"`
	Column   string `json:"column"`
	Field    string `json:"field"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
}
