// Keys of the page of approvals: j and k move, a approves, r begins a rejection.
(function () {
  'use strict';
  document.addEventListener('keydown', function (e) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || e.isComposing || e.defaultPrevented || !e.target.closest) return;
    if (e.target.closest('input, textarea, select, [contenteditable], dialog[open]')) return;
    var links = Array.prototype.slice.call(document.querySelectorAll('[data-review]'));
    var here = links.findIndex(function (a) { return a.hasAttribute('aria-current'); });
    if (e.key === 'j' || e.key === 'k') {
      var next = links[e.key === 'j' ? here + 1 : Math.max(here - 1, 0)];
      if (next && !next.hasAttribute('aria-current')) { e.preventDefault(); next.click(); }
    } else if (e.key === 'a') {
      var approve = document.querySelector('[data-approve]');
      if (approve && !pending()) { e.preventDefault(); approve.click(); }
    } else if (e.key === 'r') {
      var reason = document.querySelector('[data-reject]');
      if (reason) { e.preventDefault(); reason.focus(); reason.scrollIntoView({ block: 'nearest' }); }
    }
  });
  // "g a" leads to this page: the a of it approves nothing.
  var g = 0;
  document.addEventListener('keydown', function (e) { if (e.key === 'g') g = Date.now(); }, true);
  function pending() { return Date.now() - g < 1000; }
})();
