// The calendar, drawn by FullCalendar from what the server sends. Days and views
// are links of the page; here are the posts, what is dragged and what is clicked.
(function () {
  'use strict';
  var place = document.getElementById('calendar');
  if (!place || !window.FullCalendar) return;
  var read = function (id) { return JSON.parse(document.getElementById(id).textContent); };
  var first = read('feed'), holidays = read('holidays');
  var narrow = window.matchMedia('(max-width: 700px)').matches;
  var views = narrow ? { month: 'listMonth', week: 'listWeek', day: 'listDay' } : { month: 'dayGridMonth', week: 'timeGridWeek', day: 'timeGridDay' };
  var dragging = false;

  function element(name, kind, text) {
    var e = document.createElement(name);
    if (kind) e.className = kind;
    if (text) e.textContent = text;
    return e;
  }
  function icon(name) {
    var ns = 'http://www.w3.org/2000/svg', svg = document.createElementNS(ns, 'svg'), use = document.createElementNS(ns, 'use');
    svg.setAttribute('class', 'icon');
    svg.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', place.dataset.icons + '#' + name);
    svg.appendChild(use);
    return svg;
  }

  // The clocks of the page's zone are drawn as if they were UTC's: what the
  // server says is shown, whatever zone the browser is in.
  function now() {
    var parts = {};
    new Intl.DateTimeFormat('en-CA', { timeZone: place.dataset.zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' })
      .formatToParts(new Date()).forEach(function (p) { parts[p.type] = p.value; });
    return parts.year + '-' + parts.month + '-' + parts.day + 'T' + parts.hour + ':' + parts.minute + ':' + parts.second + 'Z';
  }
  function wall(date, length) { return date.toISOString().slice(0, length); }

  function events(feed) {
    var list = feed.events.map(function (e) {
      var start = new Date(e.start + 'Z');
      return { id: String(e.id), title: e.title, start: start.toISOString(), end: new Date(start.getTime() + 1800000).toISOString(), url: e.url,
        classNames: ['ev-' + e.state], startEditable: e.movable && !narrow, durationEditable: false, order: 1, extendedProps: e };
    });
    feed.days.forEach(function (d) {
      list.push({ id: 'more-' + d.date, title: d.label, start: d.date, allDay: true, url: d.url, classNames: ['ev-more'], editable: false, order: 2, extendedProps: { more: true } });
    });
    return list;
  }
  function load(info, done, fail) {
    if (first) { var list = events(first); first = null; done(list); return; }
    fetch(place.dataset.feed, { credentials: 'same-origin', headers: { 'Accept': 'application/json' } }).then(function (answer) {
      if (!answer.ok || answer.redirected) throw new Error('status ' + answer.status);
      return answer.json();
    }).then(function (feed) { done(events(feed)); }, fail);
  }

  function draw(arg) {
    var e = arg.event.extendedProps, line = element('div', 'ev');
    if (e.more) { line.appendChild(element('span', 'ev-text', arg.event.title)); return { domNodes: [line] }; }
    if (e.color) { var dot = element('span', 'ev-campaign'); dot.style.backgroundColor = e.color; dot.title = e.campaign; dot.setAttribute('role', 'img'); dot.setAttribute('aria-label', e.campaign); line.appendChild(dot); }
    line.appendChild(icon(e.icon));
    line.appendChild(element('b', '', e.start.slice(11, 16)));
    // The name of the link is what stands in it.
    line.appendChild(element('span', arg.view.type.indexOf('list') === 0 ? '' : 'visually-hidden', e.state_name));
    line.appendChild(element('span', 'ev-text', e.title + ' · ' + e.instance));
    if (e.elsewhere) line.appendChild(element('span', 'ev-other', e.elsewhere));
    if (e.held) { line.appendChild(icon('lock')); line.appendChild(element('span', 'visually-hidden', e.held)); }
    return { domNodes: [line] };
  }
  function label(arg) {
    var e = arg.event.extendedProps;
    if (e.more) return;
    var said = [e.start.slice(11, 16), e.state_name, e.title, e.instance, e.elsewhere, e.held].filter(Boolean).join(' · ');
    arg.el.setAttribute('title', said);
    var link = arg.el.matches('a') ? arg.el : arg.el.querySelector('a');
    if (link) link.setAttribute('aria-haspopup', 'dialog');
  }

  function mark(date) {
    var h = holidays[wall(date, 10)];
    if (!h) return null;
    var box = element('span', 'holiday holiday-' + h.kind);
    box.appendChild(element('span', 'mark mark-' + h.kind, h.mark));
    box.appendChild(document.createTextNode(h.name));
    return box;
  }
  function withMark(arg, text) {
    var nodes = [element('span', 'num-day', text)], box = mark(arg.date);
    if (box) nodes.push(document.createTextNode(' '), box);
    return { domNodes: nodes };
  }

  var calendar = new FullCalendar.Calendar(place, {
    initialView: views[place.dataset.view], initialDate: place.dataset.date, timeZone: 'UTC', now: now, locale: place.dataset.lang === 'zh-CN' ? 'zh-cn' : 'en',
    headerToolbar: false, firstDay: 1, height: narrow || place.dataset.view === 'month' ? 'auto' : Math.max(480, Math.round(window.innerHeight * 0.75)), fixedWeekCount: false, nowIndicator: true, scrollTime: '07:30:00', allDaySlot: first.days.length > 0, slotDuration: '00:30:00', snapDuration: '00:15:00',
    slotLabelFormat: { hour: '2-digit', minute: '2-digit', hour12: false }, allDayText: place.dataset.day, eventMaxStack: 3, dayMaxEvents: false, eventOrder: 'order,start,id', eventOrderStrict: true,
    noEventsText: place.dataset.empty, moreLinkDidMount: function (info) { info.el.setAttribute('role', 'button'); info.el.removeAttribute('aria-controls'); }, moreLinkText: function (n) { return place.dataset.more.replace('{n}', n); }, displayEventTime: false, navLinks: false,
    eventInteractive: true, editable: true, eventStartEditable: true, droppable: false, events: load, eventContent: draw, eventDidMount: label,
    dayCellContent: function (arg) { return arg.view.type === 'dayGridMonth' ? withMark(arg, String(arg.date.getUTCDate())) : true; },
    dayHeaderContent: function (arg) { return arg.view.type === 'dayGridMonth' ? arg.text : withMark(arg, arg.text); },
    dayCellDidMount: function (arg) { arg.el.removeAttribute('aria-labelledby'); },
    eventAllow: function (to, event) { return !to.allDay || place.dataset.view === 'month' || event.allDay; },
    eventDragStart: function () { dragging = true; },
    eventDragStop: function () { dragging = false; },
    eventClick: function (arg) {
      if (arg.event.extendedProps.more) return;
      arg.jsEvent.preventDefault();
      window.movebox.open(arg.event.url + '?back=' + encodeURIComponent(place.dataset.back));
    },
    dateClick: function (arg) {
      if (!place.hasAttribute('data-write') || narrow || !document.querySelector('[data-keys=n]')) return;
      var at = arg.allDay ? wall(arg.date, 10) + 'T10:00' : wall(arg.date, 16);
      if (at.slice(0, 10) >= now().slice(0, 10)) location.assign('/posts/new?due=' + encodeURIComponent(at));
    },
    eventDrop: function (arg) {
      var e = arg.event.extendedProps;
      window.movebox.send('/posts/' + e.id + '/move', { version: e.version, due_at: wall(arg.event.start, 19), back: place.dataset.back }).then(function (moved) {
        if (!moved) arg.revert();
      });
    },
  });

  document.getElementById('plain').hidden = true;
  place.hidden = false;
  calendar.render();

  var busy = false;
  document.body.addEventListener('tick', function () {
    if (busy || dragging) return;
    busy = true;
    setTimeout(function () { busy = false; if (!dragging) calendar.refetchEvents(); }, 300);
  });
})();
