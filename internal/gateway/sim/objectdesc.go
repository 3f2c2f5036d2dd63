package sim

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// appendXML appends m as WeChat's TimelineObject, element for element as the
// gateway returns it, including attribute values with a stray backslash.
func appendXML(b []byte, m *moment, wcID string, private bool) []byte {
	secret := "0"
	if private {
		secret = "1"
	}
	b = append(b, "<TimelineObject>"...)
	b = element(b, "id", m.idString())
	b = element(b, "username", wcID)
	b = element(b, "createTime", strconv.FormatInt(m.created().Unix(), 10))
	b = append(b, "<contentDescShowType>0</contentDescShowType><contentDescScene>0</contentDescScene>"...)
	b = element(b, "private", secret)
	b = element(b, "contentDesc", m.req.Content)
	b = append(b, "<contentattr><![CDATA[0]]></contentattr><sourceUserName></sourceUserName><sourceNickName></sourceNickName><statisticsData></statisticsData>"+
		"<weappInfo><appUserName></appUserName><pagePath></pagePath><version><![CDATA[0]]></version><debugMode><![CDATA[0]]></debugMode><shareActionId></shareActionId>"+
		"<isGame><![CDATA[0]]></isGame><messageExtraData></messageExtraData><subType><![CDATA[0]]></subType></weappInfo><canvasInfoXml></canvasInfoXml>"+
		"<ContentObject><contentStyle><![CDATA[3]]></contentStyle><contentSubStyle><![CDATA[0]]></contentSubStyle>"...)
	b = element(b, "title", m.req.Title)
	b = element(b, "description", m.req.Description)
	b = element(b, "contentUrl", m.req.URL)
	b = appendMedia(b, m, secret)
	return append(b, "</ContentObject><actionInfo><appMsg><mediaTagName></mediaTagName><messageExt></messageExt><messageAction></messageAction></appMsg></actionInfo>"+
		"<statExtStr></statExtStr><appInfo><id></id></appInfo>"+
		`<location poiClassifyId="" poiName="" poiAddress="" poiClassifyType="0" city=""></location><publicUserName></publicUserName>`+
		"<streamvideo><streamvideourl></streamvideourl><streamvideothumburl></streamvideothumburl><streamvideoweburl></streamvideoweburl></streamvideo>"+
		"<showFlag></showFlag></TimelineObject>"...)
}

func appendMedia(b []byte, m *moment, secret string) []byte {
	const mediaOffset = 404750346 // as in the vendor's sample: the whole document is then its equal, byte for byte
	const quoted = `type='\&quot;1\&quot;'>`
	b = append(b, "<mediaList><media>"...)
	b = element(b, "id", strconv.FormatUint(m.id+mediaOffset, 10))
	b = element(b, "type", "2")
	b = append(b, "<title></title><description></description>"...)
	b = element(b, "private", secret)
	b = append(b, "<url "+quoted...)
	b = cdata(b, m.req.ThumbURL)
	b = append(b, "</url><thumb "+quoted...)
	b = cdata(b, m.req.ThumbURL)
	b = append(b, "</thumb>"...)
	b = element(b, "videoDuration", "0.0")
	return append(b, `<size height='\&quot;113.0\&quot;' width='\&quot;150.0\&quot;' totalSize='\&quot;24051.0\&quot;'></size></media></mediaList>`...)
}

func element(b []byte, name, text string) []byte {
	b = append(append(append(b, '<'), name...), '>')
	b = cdata(b, text)
	return append(append(append(b, "</"...), name...), '>')
}

// cdata appends text so that nothing in it ends the section or makes the XML
// ill-formed: "]]>" is split over two sections, characters XML does not have
// become U+FFFD.
func cdata(b []byte, text string) []byte {
	b = append(b, "<![CDATA["...)
	brackets := 0
	for _, r := range text {
		if r == '>' && brackets >= 2 {
			b = append(b, "]]><![CDATA["...)
		}
		if r == ']' {
			brackets++
		} else {
			brackets = 0
		}
		if !xmlRune(r) {
			r = utf8.RuneError
		}
		b = utf8.AppendRune(b, r)
	}
	return append(b, "]]>"...)
}

func xmlRune(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
}

// appendDump appends the text-format dump of xml, already escaped for a JSON
// string: iLen: N\nbuffer: "…"\n.
func appendDump(b, xml []byte) []byte {
	b = append(b, `iLen: `...)
	b = strconv.AppendInt(b, int64(len(xml)), 10)
	b = append(b, `\nbuffer: \"`...)
	for _, c := range xml {
		b = append(b, dumpEscapes[c]...)
	}
	return append(b, `\"\n`...)
}

// dumpEscapes has, for each byte, its C escape escaped again for JSON.
var dumpEscapes = makeDumpEscapes()

func makeDumpEscapes() (table [256]string) {
	named := map[byte]string{'\n': `\\n`, '\r': `\\r`, '\t': `\\t`, '"': `\\\"`, '\'': `\\'`, '\\': `\\\\`}
	for i := range table {
		c := byte(i)
		switch esc, ok := named[c]; {
		case ok:
			table[i] = esc
		case c < 0x20 || c >= 0x7f:
			table[i] = `\\` + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7})
		default:
			table[i] = string(rune(c))
		}
	}
	return table
}

// appendJSONString quotes s; the usual id needs no escape.
func appendJSONString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			q, _ := json.Marshal(s) // a string always can be
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
