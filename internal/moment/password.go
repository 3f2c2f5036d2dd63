package moment

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a password, in characters.
const (
	MinPassword = 10
	MaxPassword = 256 // keeps the work of hashing bounded; nobody types more
)

// CheckPassword says what is wrong with a password that the person called name
// chose; it never repeats it.
func CheckPassword(name, password string) error {
	m := ""
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		m = "is not valid UTF-8"
	case n < MinPassword:
		m = "must have at least 10 characters"
	case n > MaxPassword:
		m = "must have at most 256 characters"
	case strings.EqualFold(password, name):
		m = "must not be the name"
	case slices.Contains(strings.Fields(commonPasswords), strings.ToLower(password)):
		m = "is one of the commonest passwords and would be guessed first"
	}
	if m == "" {
		return nil
	}
	return InvalidFields([]Field{{"password", m}})
}

// commonPasswords are those of ten characters and more that guessing begins
// with, in lower case; shorter ones are refused by their length.
const commonPasswords = `
	1234567890 0123456789 12345678910 123456789a 123456789q 0987654321 9876543210 1111111111 0000000000 2222222222
	6666666666 8888888888 9999999999 5555555555 7777777777 1122334455 1212121212 1231231234 1234512345 123123123123
	147258369a 147258369. 1qaz2wsx3edc 1q2w3e4r5t 1q2w3e4r5t6y qazwsxedcrfv qwertyuiop qwertyuiop123 qwerty1234
	qwerty12345 qwerty123456 asdfghjkl; asdfghjkl1 asdfghjkl123 zxcvbnm123 zxcvbnm,./ q1w2e3r4t5 q1w2e3r4t5y6 qwer123456
	qwe123456789 asd123456789 abc1234567 abc123456789 abcd123456 abcd1234567 abcde12345 abcdefghij abcdefghijk a123456789
	a1234567890 aa12345678 aa123456789 aaaaaaaaaa a12345678. q123456789 z123456789 w123456789 s123456789 woaini1314
	woaini520 woaini1314520 woaini521 5201314520 52013145201314 1314520520 wodemima123 woaiwojia1 nihao123456 iloveyou12
	iloveyou123 iloveyou1314 iloveyou520 iloveyou1234 ilovechina1 password12 password123 password1234 password12345
	password123456 password01 password.1 password!1 password1! password@1 password@123 passw0rd123 p@ssw0rd123 p@ssword123
	p@ssw0rd1234 pass123456 pass1234567 passwordpassword admin12345 admin123456 admin@1234 admin@12345 admin123admin
	administrator administrator1 root123456 root1234567 test123456 test1234567 testtest123 user123456 guest12345
	welcome123 welcome1234 welcome@123 changeme123 changeme12 changemenow letmein123 letmein1234 letmeinplease sunshine123
	princess123 football123 baseball123 superman123 dragon12345 monkey12345 master12345 michael123 charlie123 computer123
	internet123 whatever123 trustno1trustno1 starwars123 wechat1234 wechat12345 wechat123456 weixin1234 weixin123456
	momentcast momentcast1 momentcast123 moments123456 pengyouquan123 huawei12345 huawei@123 xiaomi12345 alibaba123
	taobao123456 tencent123 qq123456789 zhang123456 zhangwei123 wang123456 wangwei123 liu123456789 li123456789
	chen123456 yang123456 beijing2008 beijing123 shanghai123 china123456 zhongguo123 summer2024! summer2025! winter2025!
	spring2026! 3.1415926535 3141592653 11223344556 1234567899 1234567891 12345678900 a11111111111 111222333444 123321123321
	qq12345678 qqww112233 1qazxsw23edc zaq12wsxcde3 zaq1zaq1zaq1 !qaz2wsx3edc 1qaz@wsx3edc 1qaz!qaz1qaz`
