package client

// Holiday is one day that is not what its weekday says.
type Holiday struct {
	Date string `json:"date"`
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// Holidays is a page of a region's holidays.
type Holidays struct {
	Page[Holiday]
	Region    string `json:"region"`
	Published []int  `json:"published"`
}

// HolidayEffect is what a change of holidays did, or would do.
type HolidayEffect struct {
	Region      string `json:"region"`
	Added       int    `json:"added"`
	Altered     int    `json:"altered"`
	Removed     int    `json:"removed"`
	Published   []int  `json:"published"`
	Unpublished []int  `json:"unpublished"`
	Days        []struct {
		Date string   `json:"date"`
		Was  *Holiday `json:"was"`
		Is   *Holiday `json:"is"`
	} `json:"days"`
	Warnings []string `json:"warnings"`
	Stored   bool     `json:"stored"`
}
