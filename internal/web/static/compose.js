// The composer beyond its HTML: choosing many accounts quickly, counting
// characters, keeping what is typed. Everything works without it.
(function () {
  'use strict';
  var form = document.getElementById('compose');
  if (!form) return;
  function all(selector, within) { return Array.prototype.slice.call((within || form).querySelectorAll(selector)); }
  function one(selector) { return form.querySelector(selector); }
  function changed() { form.dispatchEvent(new Event('change', { bubbles: true })); }

  // Accounts: found by text, chosen by group or all at once.
  var boxes = all('input[name=instance]');
  var find = one('[data-find]');
  function shown(box) { return !box.closest('li').hidden; }
  function count() {
    var n = boxes.filter(function (b) { return b.checked; }).length;
    if (one('[data-chosen]')) one('[data-chosen]').textContent = String(n);
    if (one('[data-many]')) one('[data-many]').hidden = n < 2;
    all('[data-group]').forEach(function (chip) {
      var members = boxes.filter(function (b) { return inGroup(b, chip.dataset.group); });
      chip.setAttribute('aria-pressed', String(members.every(function (b) { return b.checked; })));
    });
  }
  function inGroup(box, group) { return box.dataset.groups.indexOf('|' + group + '|') >= 0; }
  function choose(some, on) {
    some.forEach(function (b) { b.checked = on; });
    changed();
  }
  all('[data-find], [data-every], [data-none], [data-due]').forEach(function (e) { e.hidden = false; });
  if (find) {
    find.addEventListener('input', function (e) {
      e.stopPropagation();
      var words = find.value.toLowerCase().split(/\s+/).filter(Boolean), any = false;
      all('.pick-list li').forEach(function (li) {
        li.hidden = !words.every(function (w) { return li.dataset.text.indexOf(w) >= 0; });
        any = any || !li.hidden;
      });
      one('[data-nomatch]').hidden = any;
    });
    find.addEventListener('change', function (e) { e.stopPropagation(); });
  }
  form.addEventListener('click', function (e) {
    var b = e.target.closest('button');
    if (!b) return;
    if (b.dataset.group !== undefined) {
      e.preventDefault();
      choose(boxes.filter(function (box) { return inGroup(box, b.dataset.group); }), b.getAttribute('aria-pressed') !== 'true');
    } else if (b.hasAttribute('data-every')) {
      choose(boxes.filter(shown), true);
    } else if (b.hasAttribute('data-none')) {
      choose(boxes, false);
    } else if (b.dataset.due) {
      one('#due_at').value = b.dataset.due;
      changed();
    }
  });

  // Characters are counted as readers do: an emoji of several parts is one to
  // them, and each of its parts is one to the limit; the limit is what is shown.
  function counters() {
    all('[data-count]').forEach(function (field) {
      var label = form.querySelector('label[for="' + field.id + '"]'), out = label.querySelector('.counter');
      if (!out) {
        out = document.createElement('span');
        out.className = 'counter';
        label.appendChild(out);
      }
      var n = Array.from(field.value).length, most = Number(field.dataset.count);
      out.textContent = n ? n + ' / ' + most : '';
      out.classList.toggle('over', n > most);
    });
  }

  // Keeping: some seconds after a change, and at once on Ctrl+S.
  var status = one('[data-status]'), timer = 0, unsaved = false, leaving = false, version = 0;
  function tell(text) { status.textContent = text; }
  function touched() {
    unsaved = true;
    version++;
    if (!timer) timer = setTimeout(keep, 3000);
  }
  function keep() {
    clearTimeout(timer);
    timer = 0;
    if (!unsaved || leaving) return;
    var at = version, data = new URLSearchParams(new FormData(form));
    tell(form.dataset.saySaving);
    fetch(form.dataset.compose, { method: 'POST', body: data, headers: { 'HX-Request': 'true' } }).then(function (r) {
      if (r.status === 401) document.getElementById('gone').hidden = false;
      if (r.status === 422) { tell(form.dataset.sayLarge); return; }
      if (!r.ok) throw new Error(String(r.status));
      if (at === version) unsaved = false;
      tell(form.dataset.saySaved + ' ' + new Date().toTimeString().slice(0, 5));
    }).catch(function () {
      tell(form.dataset.sayUnsaved);
      if (!timer) timer = setTimeout(keep, 10000);
    });
  }
  function onTyped(e) {
    if (e.target.id === 'agreed' || e.target.closest && e.target.closest('[data-find], .picker')) return;
    counters();
    count();
    touched();
  }
  form.addEventListener('input', onTyped);
  form.addEventListener('change', onTyped);
  document.addEventListener('htmx:afterSwap', function (e) {
    if (e.target.id !== 'card-fields') return;
    counters();
    changed();
    // The picture may be another one now: have it looked at.
    var thumb = document.getElementById('thumb_url');
    if (thumb) thumb.dispatchEvent(new Event('change', { bubbles: true }));
  });
  form.addEventListener('submit', function () {
    leaving = true;
    setTimeout(function () { leaving = false; }, 5000); // still here: the answer did not come
  });
  window.addEventListener('beforeunload', function (e) {
    if (unsaved && !leaving) { keep(); e.preventDefault(); }
  });
  document.addEventListener('visibilitychange', function () { if (document.hidden) keep(); });

  // Keys. Enter in a line of text is no submission.
  document.addEventListener('keydown', function (e) {
    if (e.isComposing) return;
    var ctrl = e.ctrlKey || e.metaKey;
    if (ctrl && e.key.toLowerCase() === 's') {
      e.preventDefault();
      unsaved = true;
      keep();
    } else if (ctrl && e.key === 'Enter') {
      e.preventDefault();
      form.requestSubmit(one('[data-main]'));
    } else if (e.key === 'Enter' && e.target.matches && e.target.matches('#compose input')) {
      e.preventDefault();
    }
  });

  counters();
  count();
})();
