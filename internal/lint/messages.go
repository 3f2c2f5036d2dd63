package lint

import (
	"maps"
	"slices"
)

// message is a rule's severity and texts. Both texts take the same arguments, by
// number where their order differs.
type message struct {
	severity Severity
	zh, en   string
}

// Keys returns the keys of all rules, sorted.
func Keys() []string { return slices.Sorted(maps.Keys(messages)) }

// messages has every rule. What people submitted is not repeated in a text,
// except words of the lists, which are the operator's.
var messages = map[string]message{
	"missing":  {Error, "必填。", "This is required."},
	"too_long": {Error, "最多 %d 个字，现在有 %d 个。", "At most %d characters; there are %d."},
	"invalid":  {Error, "内容不符合要求，无法发送（%s）。", "This cannot be sent: it %s."},
	"variable": {Error, "有未替换的变量“{{”，会原样发出去。", "A variable, \"{{\", is not filled in and would be posted as it stands."},

	"content.folds": {Warn, "超过 %d 行或 %d 字，朋友圈里会被折叠，重点请放在前面。", "Longer than %d lines or %d characters: WeChat folds the rest away, so put what matters first."},
	"title.lines":   {Warn, "标题在手机上超过 %d 行（约 %d 个汉字），后面的会被省略。", "The title takes more than %d lines on a phone (about %d Chinese characters); the rest is cut off."},
	"title.break":   {Warn, "标题里有换行，卡片上会显示成一行。", "The title has a line break, which the card does not show."},
	"absolute":      {Warn, "可能是广告法禁止的绝对化用语：%s。", "China's Advertising Law may forbid these absolute claims: %s."},
	"sensitive":     {Warn, "可能被微信限制或违反广告规定的用语：%s。", "WeChat or advertising rules may restrict these wordings: %s."},
	"hidden":        {Warn, "有看不见的字符（常由复制粘贴带入），建议删除。", "There are invisible characters, as copying brings them along; remove them."},
	"spaces":        {Info, "开头或行尾有多余的空格或空行。", "There are spaces or breaks at the beginning, or at the end of a line."},
	"blank_lines":   {Info, "有连续的空行，会更早被折叠。", "Several empty lines in a row make the text fold sooner."},
	"emoji":         {Info, "有 %d 个表情，超过 %d 个容易显得杂乱。", "There are %d emoji; more than %d look crowded."},

	"http":           {Warn, "不是 https，微信里可能提示不安全或打不开。", "This is not https: WeChat may warn of it, or not open it."},
	"tracking_twice": {Warn, "统计参数重复：%s。", "Tracking parameters occur twice: %s."},
	"link.downgrade": {Warn, "链接会跳转到不安全的 http 地址。", "The link forwards to an address without https."},

	"thumb.type":   {Warn, "缩略图是 %s 格式，建议用 JPG 或 PNG。", "The thumbnail is a %s; use JPG or PNG."},
	"thumb.bytes":  {Warn, "缩略图有 %d KB，建议不超过 %d KB，否则可能发送缓慢或不显示。", "The thumbnail has %d KB; beyond %d KB sending may be slow, or the picture missing."},
	"thumb.square": {Warn, "缩略图不是正方形（%d×%d），会被裁剪。", "The thumbnail is not square (%d×%d) and will be cropped."},
	"thumb.small":  {Info, "缩略图较小（%d×%d），边长不到 %d 像素时显示会模糊。", "The thumbnail is small (%d×%d); sides below %d pixels look blurred."},

	"reach.bad_url":         {Error, "不是有效的网址。", "This is no valid web address."},
	"reach.bad_port":        {Warn, "网址带有不常用的端口，没有检查。", "The address has an unusual port and was not checked."},
	"reach.not_public":      {Error, "不是公网地址，或域名不存在，用户的手机打不开。", "This is not a public address, or there is no such host; phones cannot open it."},
	"reach.no_answer":       {Warn, "检查时没有按时响应，手机上可能也打不开。", "It did not answer in time; phones may not open it either."},
	"reach.unreachable":     {Warn, "检查时连接不上。", "No connection to it could be made."},
	"reach.bad_tls":         {Error, "https 证书无效或不可用，手机会提示风险。", "Its https or certificate is not valid; phones will warn."},
	"reach.broken":          {Warn, "检查时响应不完整或无法识别。", "Its answer was incomplete, or not understood."},
	"reach.gone":            {Error, "页面不存在（404）。", "There is nothing at this address (404)."},
	"reach.denied":          {Warn, "拒绝了检查，请在手机上确认能否打开。", "It refused the check; try it on a phone."},
	"reach.down":            {Warn, "网站出错或过载。", "The site is out of order or overloaded."},
	"reach.redirects":       {Warn, "跳转次数过多，没有检查到最后。", "It forwards too many times; the end was not reached."},
	"reach.bad_redirect":    {Warn, "会跳转到不是网页的地址。", "It forwards to something that is no web address."},
	"reach.wrong_type":      {Info, "链接指向的不是网页。", "The link leads to something that is no page."},
	"reach.too_large":       {Info, "内容过大，没有检查完。", "It is too large to be checked whole."},
	"reach.bad_picture":     {Info, "无法识别内容。", "Its content cannot be read."},
	"reach.too_many_pixels": {Info, "内容过大，没有检查完。", "It is too large to be checked whole."},
	"reach.busy":            {Info, "正在检查的地址太多，这个还没有检查。", "Too many addresses are being checked; this one was not."},
	"reach.other":           {Warn, "检查没有成功。", "The check did not succeed."},

	"thumb.reach.bad_url":         {Error, "不是有效的图片地址。", "This is no valid web address."},
	"thumb.reach.bad_port":        {Warn, "图片地址带有不常用的端口，没有检查。", "The address has an unusual port and was not checked."},
	"thumb.reach.not_public":      {Error, "图片不在公网上，或域名不存在，微信无法获取。", "The picture is not at a public address, or there is no such host; WeChat cannot fetch it."},
	"thumb.reach.no_answer":       {Warn, "图片没有按时响应，发送时可能失败。", "The picture did not come in time; sending may fail."},
	"thumb.reach.unreachable":     {Warn, "图片地址连接不上，发送时可能失败。", "No connection to the picture's host could be made; sending may fail."},
	"thumb.reach.bad_tls":         {Error, "图片地址的 https 证书无效或不可用。", "The https or certificate of the picture's host is not valid."},
	"thumb.reach.broken":          {Warn, "图片下载不完整或无法识别。", "The picture came incomplete, or was not understood."},
	"thumb.reach.gone":            {Error, "图片不存在（404）。", "There is no picture at this address (404)."},
	"thumb.reach.denied":          {Error, "图片拒绝被外部访问（可能有防盗链），微信也可能取不到。", "The picture's host refuses outsiders; WeChat may not get it either."},
	"thumb.reach.down":            {Warn, "图片所在的网站出错或过载。", "The picture's host is out of order or overloaded."},
	"thumb.reach.redirects":       {Warn, "图片地址跳转次数过多。", "The picture's address forwards too many times."},
	"thumb.reach.bad_redirect":    {Error, "图片地址会跳转到无效的地址。", "The picture's address forwards to something that is no web address."},
	"thumb.reach.wrong_type":      {Error, "不是 JPG、PNG、GIF 或 WebP 图片。", "This is no JPG, PNG, GIF or WebP picture."},
	"thumb.reach.too_large":       {Error, "图片太大。", "The picture's file is too large."},
	"thumb.reach.bad_picture":     {Error, "图片已损坏，无法识别。", "The picture is damaged and cannot be read."},
	"thumb.reach.too_many_pixels": {Error, "图片的像素太多。", "The picture has too many pixels."},
	"thumb.reach.busy":            {Info, "正在检查的地址太多，图片还没有检查。", "Too many addresses are being checked; the picture was not."},
}
