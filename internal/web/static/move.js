// A post in a box: seen in short, moved to another time, and back again.
(function () {
  'use strict';
  function byId(id) { return document.getElementById(id); }
  var undone = 0;

  function request(address, form) {
    var options = { headers: { 'HX-Request': 'true' }, credentials: 'same-origin' };
    if (form) { options.method = 'POST'; options.body = new URLSearchParams(form); }
    return fetch(address, options).then(function (answer) {
      if (answer.status === 401) { location.reload(); throw new Error('login'); }
      return answer.text().then(function (text) {
        if (answer.ok || answer.status === 409 || answer.status === 422) return { done: answer.ok, text: text };
        throw new Error('status ' + answer.status);
      });
    });
  }

  function show(html) {
    var box = byId('movebox');
    byId('movebody').innerHTML = html;
    if (!box.open) box.showModal();
    var first = box.querySelector('.choices button, #move-due, .movelinks a');
    if (first) first.focus();
  }

  function failed() {
    var place = byId('toast'), box = byId('movebox');
    place.textContent = '';
    var said = document.createElement('div');
    said.className = 'toast-box toast-bad';
    said.textContent = box.dataset.failed;
    place.appendChild(said);
    fade();
  }

  function toast(html) {
    byId('toast').innerHTML = html;
    fade();
  }
  function fade() {
    clearTimeout(undone);
    undone = setTimeout(function () {
      var place = byId('toast');
      if (place.matches(':hover, :focus-within')) { fade(); } else { place.textContent = ''; }
    }, 20000);
  }

  // open shows the post at the address.
  function open(address) {
    return request(address).then(function (answer) { show(answer.text); }, failed);
  }

  // send moves a post; what is in the way is asked about in the box. The promise
  // tells whether it was moved.
  function send(address, form) {
    return request(address, form).then(function (answer) {
      if (!answer.done) { show(answer.text); return false; }
      byId('movebox').close();
      toast(answer.text);
      document.dispatchEvent(new CustomEvent('moved'));
      return true;
    }, function () { failed(); return false; });
  }

  document.addEventListener('click', function (e) {
    if (!e.target.closest || e.ctrlKey || e.metaKey || e.shiftKey) return;
    if (e.target.closest('[data-close]') && e.target.closest('#movebox')) { e.preventDefault(); byId('movebox').close(); return; }
    if (e.target === byId('movebox')) { byId('movebox').close(); return; }
    if (e.target.closest('[data-untoast]')) { byId('toast').textContent = ''; return; }
    var link = e.target.closest('[data-move]');
    if (link && byId('movebox')) { e.preventDefault(); open(link.getAttribute('href')); }
  });

  // Before the page's own listener, which lets a form be sent once in a while only.
  document.addEventListener('submit', function (e) {
    var form = e.target;
    if (!form.closest('#movebox, #toast') || form.method !== 'post') return;
    e.preventDefault();
    e.stopPropagation();
    if (form.dataset.busy) return;
    form.dataset.busy = '1';
    send(form.getAttribute('action'), new FormData(form)).then(function () { delete form.dataset.busy; });
  }, true);

  document.addEventListener('moved', function () { document.body.dispatchEvent(new CustomEvent('tick')); });
  window.movebox = { open: open, send: send };
})();
