package moment

import "time"

// JobErrors is how many refusals a job keeps.
const JobErrors = 20

// Job is one change of many posts.
type Job struct {
	ID    int64
	Key   string // made with the form: the same key again is the same job
	Kind  string // "cancel", "reschedule", "retry" or "approve"
	Spec  JobSpec
	By    Origin
	Back  string // address of the list it was started from
	State JobState
	Stop  bool // somebody asked it to stop

	Total, Done, Failed int // Done counts the failed, too
	Errors              []JobError
	Token               int64 // of the lease
	CreatedAt           time.Time
	EndedAt             time.Time // zero = not yet
}

// JobState is how far a job is.
type JobState string

// The states of a job. A running one whose process died is taken over.
const (
	JobWaiting JobState = "waiting"
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobStopped JobState = "stopped"
)

// JobSpec says how the posts of a job are changed.
type JobSpec struct {
	Reason string        `json:"reason,omitempty"` // of a cancellation
	Shift  time.Duration `json:"shift,omitempty"`  // of a new time, in ns; 0 = to At
	At     time.Time     `json:"at,omitzero"`
}

// JobItem is one post of a job, as it was when the job was decided.
type JobItem struct {
	N       int
	PostID  int64
	Version int64 // 0 = whichever
	DueAt   time.Time
	Hash    string // of the content that was seen, for an approval
}

// JobError is one post that could not be changed, and why.
type JobError struct {
	PostID  int64  `json:"post"`
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
}

// Act is what the job does to the post.
func (j *Job) Act(i JobItem) Act {
	switch {
	case j.Kind == "cancel":
		return Act{Action: ActCancel, Reason: j.Spec.Reason}
	case j.Kind == "approve":
		return Act{Action: ActApprove, Hash: i.Hash}
	case j.Kind == "retry":
		return Act{Action: ActRetry}
	case j.Spec.Shift != 0:
		return Act{Action: ActReschedule, DueAt: i.DueAt.Add(j.Spec.Shift)}
	}
	return Act{Action: ActReschedule, DueAt: j.Spec.At}
}

// View is a list that somebody looks at again.
type View struct {
	ID       int64
	UserID   int64
	Owner    string // name of the user
	Name     string
	Query    string // filter and columns, as the page's address has them
	Shared   bool
	Standard bool // what its owner sees first
}
