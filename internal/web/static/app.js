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
  function tick() { document.body.dispatchEvent(new CustomEvent('tick')); }

  // A block that somebody is at work in is left alone.
  function busy(block) {
    return block.querySelector('input[name=id]:checked, details[open] form') !== null ||
      (block.contains(document.activeElement) && document.activeElement.matches('input, textarea, select'));
  }
  document.addEventListener('htmx:beforeRequest', function (e) {
    var cause = e.detail.requestConfig.triggeringEvent;
    if (e.detail.elt.hasAttribute('data-block') && (!cause || cause.type === 'tick' || cause.type === 'every') && busy(e.detail.elt)) e.preventDefault();
  });
  document.addEventListener('htmx:afterSwap', function (e) { enhance(e.target); byId('away').hidden = true; });
  document.addEventListener('htmx:sendError', function () { byId('away').hidden = false; });
  document.addEventListener('htmx:responseError', function (e) {
    byId(e.detail.xhr.status === 401 ? 'gone' : 'away').hidden = false;
  });
})();
