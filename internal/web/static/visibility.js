// The picker of labels and contacts: a click puts an id into the field with an
// id a line, and each id there is shown by its name. The field is what counts.
(function () {
  'use strict';

  function list(box, kind) { return box.querySelector('[data-list=' + kind + ']'); }

  function ids(field) {
    return field.value.split(/[\s,;，；、]+/).filter(function (id, i, all) { return id && all.indexOf(id) === i; });
  }

  function write(box, kind, all) {
    var field = list(box, kind);
    field.value = all.join('\n');
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  var names = new WeakMap();
  function known(box) {
    if (!names.has(box)) {
      var all = {};
      try { all = JSON.parse(box.dataset.known || '{}'); } catch (e) { all = {}; }
      names.set(box, { users: all.users || {}, labels: all.labels || {} });
    }
    return names.get(box);
  }

  function draw(box) {
    ['labels', 'users'].forEach(function (kind) {
      var chips = box.querySelector('[data-chips=' + kind + ']'), field = list(box, kind);
      if (!chips || !field) return;
      chips.textContent = '';
      var all = ids(field);
      all.slice(0, 100).forEach(function (id) {
        var chip = document.createElement('li'), name = known(box)[kind][id], away = document.createElement('button');
        chip.append(name || id);
        if (!name) chip.className = 'unknown';
        chip.title = id;
        away.type = 'button';
        away.textContent = '×';
        away.setAttribute('aria-label', '× ' + (name || id));
        away.addEventListener('click', function () { write(box, kind, ids(field).filter(function (other) { return other !== id; })); field.focus(); });
        chip.append(away);
        chips.append(chip);
      });
      box.querySelectorAll('[data-pick=' + kind + ']').forEach(function (b) {
        var there = all.indexOf(b.dataset.id) >= 0;
        b.classList.toggle('picked', there);
        b.setAttribute('aria-pressed', there ? 'true' : 'false');
      });
    });
  }

  document.addEventListener('click', function (e) {
    var pick = e.target.closest && e.target.closest('[data-pick]'), box = pick && pick.closest('[data-visibility]');
    if (!box) return;
    var kind = pick.dataset.pick, all = ids(list(box, kind)), at = all.indexOf(pick.dataset.id);
    known(box)[kind][pick.dataset.id] = pick.dataset.name;
    if (at >= 0) { all.splice(at, 1); } else { all.push(pick.dataset.id); }
    write(box, kind, all);
  });
  document.addEventListener('input', function (e) {
    var box = e.target.closest && e.target.matches('[data-list]') && e.target.closest('[data-visibility]');
    if (box) draw(box);
  });
  // Searching is not sending the form.
  document.addEventListener('keydown', function (e) {
    if (e.key === 'Enter' && e.target.closest && e.target.closest('.picker-bar')) e.preventDefault();
  });
  function drawAll() { document.querySelectorAll('[data-visibility]').forEach(draw); }
  document.addEventListener('DOMContentLoaded', drawAll);
  document.addEventListener('htmx:afterSwap', drawAll);
  if (document.readyState !== 'loading') drawAll();
})();
