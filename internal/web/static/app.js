// What the pages do beyond their HTML. Everything works without it.
(function () {
  'use strict';
  var root = document.documentElement;

  // A picture that does not load leaves its placeholder.
  document.addEventListener('error', function (e) {
    if (e.target.matches && e.target.matches('img[data-thumb]')) e.target.hidden = true;
  }, true);

  // Before the first paint: as the system likes it, unless somebody chose.
  var chosen = root.hasAttribute('data-bs-theme');
  var night = window.matchMedia('(prefers-color-scheme: dark)');
  function follow() {
    if (!chosen) root.setAttribute('data-bs-theme', night.matches ? 'dark' : 'light');
  }
  follow();
  night.addEventListener('change', follow);

  function all(selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); }
  function byId(id) { return document.getElementById(id); }

  document.addEventListener('DOMContentLoaded', function () {
    var next = document.querySelector('[data-theme-next]');
    if (next && !chosen) next.value = night.matches ? 'light' : 'dark';
    all('[data-help]').forEach(function (b) { b.hidden = false; b.addEventListener('click', help); });
    var problem = document.querySelector('[data-focus]');
    if (problem) problem.focus();
    enhance(document);
    listen();
  });

  function help() { var d = byId('help'); if (d && !d.open) d.showModal(); }

  // Keys: one, or g and another within a second. Never while somebody types.
  var first = '', since = 0;
  document.addEventListener('keydown', function (e) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || !e.target.closest) return;
    if (e.target.closest('input, textarea, select, [contenteditable], dialog[open]')) return;
    if (e.key === '?') { help(); e.preventDefault(); return; }
    if (e.key === '/') {
      var field = document.querySelector('[data-search]');
      if (field) { field.focus(); field.select(); } else { location.assign('/history'); }
      e.preventDefault();
      return;
    }
    var keys = first && Date.now() - since < 1000 ? first + ' ' + e.key : e.key;
    first = '';
    var link = all('[data-keys]').filter(function (a) { return a.dataset.keys === keys; })[0];
    if (link) { e.preventDefault(); link.click(); return; }
    if (e.key === 'g') { first = 'g'; since = Date.now(); }
  });

  // Boxes: one that ticks all, and what is ticked is counted.
  function enhance(within) {
    all('[data-all]', within).forEach(function (box) {
      box.closest('label, th, td').hidden = false;
      box.hidden = false;
    });
    all('[data-counts]', within).forEach(count);
  }
  function count(out) {
    var form = out.closest('form');
    out.textContent = String(all('input[name=id]:checked', form).length);
  }
  document.addEventListener('change', function (e) {
    var form = e.target.form;
    if (!form) return;
    if (e.target.matches('[data-all]')) {
      all('input[name=id]', form).forEach(function (box) { box.checked = e.target.checked; });
    }
    if (e.target.matches('[data-submit]')) form.requestSubmit();
    all('[data-counts]', form).forEach(count);
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener('submit', function (e) {
    if (e.defaultPrevented || e.target.method !== 'post') return;
    if (e.target.dataset.sent) { e.preventDefault(); return; }
    e.target.dataset.sent = '1';
    setTimeout(function () { delete e.target.dataset.sent; }, 5000);
  });
  window.addEventListener('pageshow', function () { all('form[data-sent]').forEach(function (f) { delete f.dataset.sent; }); });

  // Live: the server ticks when something has changed, and blocks refresh
  // themselves. A hidden page does not listen: browsers allow few streams.
  var stream = null;
  function listen() {
    var address = document.body.dataset.live;
    if (!address || !window.EventSource) return;
    function open() {
      if (stream || document.hidden) return;
      stream = new EventSource(address);
      stream.addEventListener('tick', tick);
      stream.onopen = tick; // what changed before, or while it was broken, was not told
      stream.onerror = function () {
        // Closed for good: the answer was not a stream, such as a login page.
        if (stream && stream.readyState === 2) { stream = null; setTimeout(open, 10000); }
      };
    }
    function close() { if (stream) { stream.close(); stream = null; } }
    document.addEventListener('visibilitychange', function () {
      if (document.hidden) { close(); } else { open(); tick(); }
    });
    window.addEventListener('pagehide', close);
    open();
  }

  // Blocks are told at most every two seconds, never while their answer to what
  // was told before is under way (it may be older than the news), never between
  // a press and its click, and in the end always.
  var owed = false, rest = 0, asked = new Set(), pressed = null, letGo = 0;
  function tick() { owed = true; tell(); }
  function tell() {
    if (!owed || rest || asked.size || pressed) return;
    owed = false;
    rest = setTimeout(function () { rest = 0; tell(); }, 2000);
    document.body.dispatchEvent(new CustomEvent('tick'));
  }

  // A click is lost if what is under the pointer is replaced before the button
  // is up again; so is the space bar's.
  function press(e) { clearTimeout(letGo); pressed = e.target; }
  function release(after) {
    clearTimeout(letGo);
    letGo = setTimeout(function () { pressed = null; tell(); }, after);
  }
  document.addEventListener('pointerdown', press, true);
  document.addEventListener('pointerup', function () { release(350); }, true); // a touch clicks later
  document.addEventListener('keydown', function (e) { if (e.key === ' ') press(e); }, true);
  document.addEventListener('keyup', function (e) { if (e.key === ' ') release(0); }, true);
  ['click', 'pointercancel', 'contextmenu', 'dragend'].forEach(function (end) {
    document.addEventListener(end, function () { if (pressed) release(0); }, true);
  });
  window.addEventListener('blur', function () { if (pressed) release(0); });

  // A block that somebody is at work in is left alone, and so is one whose form
  // is on its way: its successor would send it again.
  function busy(block) {
    return block.contains(pressed) || block.querySelector('input[name=id]:checked, details[open] form, form[data-sent]') !== null ||
      (block.contains(document.activeElement) && document.activeElement.matches('input, textarea, select'));
  }
  // Nobody asked for it: the block refreshes itself. What is under way is known
  // by its request: the events of htmx name other elements once it is answered.
  function unasked(e) {
    var cause = e.detail.requestConfig.triggeringEvent;
    return e.detail.elt === e.detail.target && (!cause || cause.type === 'tick' || cause.type === 'every');
  }
  document.addEventListener('htmx:beforeRequest', function (e) { if (unasked(e) && busy(e.detail.target)) e.preventDefault(); });
  document.addEventListener('htmx:beforeSend', function (e) {
    if (!unasked(e)) return;
    var request = e.detail.xhr;
    asked.add(request);
    request.addEventListener('loadend', function () { asked.delete(request); tell(); });
  });
  document.addEventListener('htmx:beforeSwap', function (e) {
    focused = null;
    folds = [];
    if (!asked.has(e.detail.xhr)) return;
    // Somebody may have gone to work while the answer was under way.
    if (busy(e.detail.target)) { e.detail.shouldSwap = false; owed = true; return; }
    remember(e.detail.target);
  });

  // What is the same before and after a swap: where the focus was, and what was
  // unfolded. Of what looks alike it is the one in the same place; numbers and
  // times in a text change.
  function looks(el) {
    var says = el.hasAttribute('href') ? '' : (el.matches('details') && el.firstElementChild || el).textContent.replace(/\d+/g, '');
    return [el.tagName, el.id, says, el.form && el.form.getAttribute('action')].concat(
      ['name', 'value', 'href', 'type', 'aria-label'].map(function (n) { return el.getAttribute(n); })).join('\n');
  }
  function placed(el, within) {
    var is = looks(el), tag = el.tagName;
    function alike(block) { return all(tag, block).filter(function (other) { return looks(other) === is; }); }
    var n = alike(within).indexOf(el);
    return function (block) { var found = alike(block); return found[n] || found[0]; };
  }
  var focused = null, folds = [];
  function remember(block) {
    var el = document.activeElement;
    focused = el !== block && block.contains(el) ? placed(el, block) : null;
    folds = all('details', block).map(function (d) { return { open: d.open, find: placed(d, block) }; });
  }
  function unfold(block) { folds.forEach(function (f) { var d = f.find(block); if (d) d.open = f.open; }); }
  function restore(block) {
    unfold(block);
    var el = focused && focused(block);
    if (focused && !block.contains(document.activeElement)) {
      // What had it is gone: the keyboard goes on from here, not from the top.
      if (!el) { el = block; el.tabIndex = -1; }
      el.focus({ preventScroll: true });
    }
    focused = null;
  }
  document.addEventListener('htmx:afterSettle', function (e) { unfold(e.target); }); // settling sets attributes of what has an id

  document.addEventListener('htmx:afterSwap', function (e) { restore(e.target); enhance(e.target); byId('away').hidden = true; });
  document.addEventListener('htmx:sendError', function () { byId('away').hidden = false; });
  document.addEventListener('htmx:responseError', function (e) {
    byId(e.detail.xhr.status === 401 ? 'gone' : 'away').hidden = false;
  });
})();
