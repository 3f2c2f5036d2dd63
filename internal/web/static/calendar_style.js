// FullCalendar inserts its rules into a style element that it finds or makes.
// Here it finds one that leaves out its icon font: that is a data: address,
// which our content policy refuses, and no icon of it is shown.
(function () {
  'use strict';
  var style = document.createElement('style');
  style.setAttribute('data-fullcalendar', '');
  document.head.insertBefore(style, document.head.firstChild);
  var sheet = style.sheet, insert = CSSStyleSheet.prototype.insertRule;
  sheet.insertRule = function (rule) {
    return /^@font-face/.test(rule) ? 0 : insert.call(sheet, rule, sheet.cssRules.length);
  };
})();
