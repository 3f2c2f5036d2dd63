package browser_test

// importRows are posts as people bring them: two that can be imported and two
// that cannot, for want of an account and of a time.
const importRows = "\ufeff账号,发送时间,正文,标题,描述,链接,缩略图,可见范围\n" +
	"林晓雯,2027-01-05 10:30,腊八蒜泡上了，今年多做了两坛。,腊八蒜 · 老方子,第三年了,https://mall.example.com/laba/1,https://mall.example.com/laba/1.jpg,所有人\n" +
	"陈志远,2027-01-06 10:30,年终复盘的模板，照着填就行。,年终复盘模板,一页纸,https://mall.example.com/review,https://mall.example.com/review.jpg,所有人\n" +
	"没有这个号,2027-01-06 11:30,正文,标题,,https://mall.example.com/nobody,https://mall.example.com/n.jpg,所有人\n" +
	"林晓雯,下周二,正文,没有时间的,,https://mall.example.com/never,https://mall.example.com/n.jpg,所有人\n"
