// Shows what the server tells. All that came from the wire is set as text; the one exception is the part of the HTML
// report that shows a session, which the server has escaped.
"use strict";
(() => {
  const LISTED = 300;
  const MOST = 2000;
  const KINDS = {
    "password": ["fail", "password"],
    "known-password": ["fail", "known password"],
    "response": ["unclear", "challenge and response"],
    "content": ["fail", "message"],
    "weak-tls": ["unclear", "weak TLS"],
    "host": ["other", "host name"],
    "address": ["other", "inner address"],
    "software": ["other", "software"],
  };
  const WORDS = [["pass", "P"], ["fail", "F"], ["unclear", "I"], ["other", "R"], ["fail", "E"]];
  const at = (id) => document.getElementById(id);
  const list = at("list");
  const form = document.forms[0];
  const shown = new Map();
  let older = false;

  const element = (tag, kind, text) => {
    const one = document.createElement(tag);
    if (kind) { one.className = kind; }
    if (text !== undefined) { one.textContent = text; }
    return one;
  };
  const key = (run, name) => `${run} ${name}`;
  const place = (row) => `run=${row.run}&name=${encodeURIComponent(row.name)}`;
  const when = (time) => time.slice(0, 19).replace("T", " ");

  const fill = async (one, row) => {
    const rest = one.lastElementChild;
    if (rest.firstChild) { return; }
    try {
      const answer = await fetch(`/session?${place(row)}`);
      if (answer.ok) { rest.innerHTML = await answer.text(); } else { rest.textContent = await answer.text(); }
    } catch {
      rest.textContent = "The server does not answer.";
    }
    one.dataset.filled = "true";
  };

  const session = (row) => {
    const failed = row.verdicts[1] + row.verdicts[4] > 0;
    const one = element("details", "conversation");
    one.dataset.failed = failed;
    one.dataset.key = key(row.run, row.name);
    const head = element("summary");
    head.append(element("span", "time", when(row.began)), element("b", "", row.client));
    if (row.mechanism) { head.append(element("span", "", row.account ? `${row.mechanism} ${row.account}` : row.mechanism)); }
    head.append(element("span", "", row.messages === 1 ? "1 message" : `${row.messages} messages`));
    const verdicts = element("span", "verdicts");
    row.verdicts.forEach((count, index) => {
      if (count > 0) { verdicts.append(element("span", WORDS[index][0], `${count} ${WORDS[index][1]}`), " "); }
    });
    head.append(verdicts, element("span", "name", row.name));
    if (row.worst) { head.append(element("span", "worst", `${row.worst[0]}: ${row.worst[1]}`)); }
    one.append(head, element("div"));
    one.addEventListener("toggle", () => { if (one.open) { fill(one, row); } });
    one.row = row;
    return one;
  };

  const wanted = (one) => {
    const text = form.elements.text.value.trim().toLowerCase();
    if (form.elements.failed.checked && one.dataset.failed !== "true") { return false; }
    return text === "" || one.textContent.toLowerCase().includes(text);
  };
  const count = () => {
    const all = list.querySelectorAll("details.conversation");
    const seen = [...all].filter((one) => !one.hidden).length;
    form.elements.count.value = `${seen} of ${all.length} listed`;
  };
  const filter = () => {
    for (const one of list.querySelectorAll("details.conversation")) { one.hidden = !wanted(one); }
    count();
  };

  const add = (row, first) => {
    if (shown.has(key(row.run, row.name))) { return; }
    const one = session(row);
    one.hidden = !wanted(one);
    shown.set(key(row.run, row.name), one);
    if (first) { list.prepend(one); } else { list.append(one); }
  };
  const trim = () => {
    const most = older ? MOST : LISTED;
    while (list.childElementCount > most) {
      const last = list.lastElementChild;
      if (last.dataset.key) { shown.delete(last.dataset.key); }
      last.remove();
    }
  };

  const exposures = new Map();
  const expose = (all) => {
    const body = at("exposed").querySelector("tbody");
    for (const one of all) {
      const id = JSON.stringify([one.kind, one.what, one.place]);
      const [look, word] = KINDS[one.kind] ?? ["other", one.kind];
      const row = element("tr");
      const kind = element("td", "kind");
      kind.append(element("span", look, word));
      const link = element("a", "", one.name);
      link.href = "#list";
      link.addEventListener("click", (event) => {
        event.preventDefault();
        show({ run: one.run, name: one.name, client: "", began: one.last, messages: 0, verdicts: [0, 0, 0, 0, 0] });
      });
      const where = element("td");
      where.append(link);
      row.append(kind, element("td", "what", one.what), element("td", "place", one.place), element("td", "number", one.count),
        element("td", "last", when(one.last)), where);
      exposures.get(id)?.remove();
      exposures.delete(id);
      exposures.set(id, row);
      body.prepend(row);
    }
    while (exposures.size > 200) {
      const [id, row] = exposures.entries().next().value;
      row.remove();
      exposures.delete(id);
    }
    at("exposed").hidden = exposures.size === 0;
  };

  const show = (row) => {
    add(row, false);
    const one = shown.get(key(row.run, row.name));
    one.hidden = false;
    one.open = true;
    one.scrollIntoView({ block: "start" });
  };

  const statements = new Map();
  const claim = (all) => {
    const ids = Object.keys(all).sort((a, b) => all[b][1] - all[a][1] || a.localeCompare(b, "en", { numeric: true }));
    const rows = ids.map((id) => {
      const row = element("tr");
      const head = element("th", "", id);
      head.scope = "row";
      head.append(element("small", "", ` ${statements.get(id) ?? ""}`));
      row.append(head);
      all[id].slice(0, 4).forEach((number, index) => {
        const cell = element("td", "number");
        cell.append(number > 0 ? element("span", WORDS[index][0], number) : element("span", "other", "–"));
        row.append(cell);
      });
      return row;
    });
    const failed = ids.filter((id) => all[id][1] > 0).length;
    const section = at("claims");
    section.hidden = ids.length === 0;
    section.querySelector("summary").textContent = `${failed} of ${ids.length} claims failed in at least one session`;
    section.querySelector("tbody").replaceChildren(...rows);
  };

  const sum = (totals) => {
    for (const name of ["sessions", "messages", "in_clear", "passwords", "failed"]) { at(name).textContent = totals[name]; }
    const head = at("verdict");
    if (totals.sessions === 0) { return; }
    head.className = totals.failed > 0 ? "bad" : "good";
    const all = totals.sessions === 1 ? "1 session" : `${totals.sessions} sessions`;
    head.textContent = totals.failed > 0 ? `${totals.failed} of ${all} with a failure` : `No failure in ${all}`;
  };
  const state = (look, word) => {
    at("link").className = look;
    at("link").textContent = word;
  };

  let last = 0;
  const events = new EventSource("/events");
  events.addEventListener("open", () => state("pass", "live"));
  events.addEventListener("error", () => state("fail", "disconnected"));
  events.addEventListener("hello", (event) => {
    const hello = JSON.parse(event.data);
    at("listen").textContent = hello.listen;
    at("profile").textContent = hello.profile;
    for (const [id, statement] of hello.claims) { statements.set(id, statement); }
  });
  events.addEventListener("news", (event) => {
    const news = JSON.parse(event.data);
    if (news.last < last) {
      // Another server listens there now.
      list.replaceChildren();
      shown.clear();
    }
    last = news.last;
    if (news.skipped > 0 && list.firstChild) {
      list.prepend(element("p", "gap", `${news.skipped} sessions that came too fast to be listed; the index has them`));
    }
    for (const row of news.sessions) { add(row, true); }
    trim();
    count();
    expose(news.exposures);
    claim(news.claims);
    sum(news.totals);
    document.documentElement.dataset.ready = "true";
  });
  events.addEventListener("connections", (event) => {
    const connections = JSON.parse(event.data);
    at("open").textContent = connections ? connections.open : "–";
  });
  events.addEventListener("end", () => {
    events.close();
    state("other", "the server has ended");
  });

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  at("older").addEventListener("click", async () => {
    const all = list.querySelectorAll("details.conversation");
    const end = all[all.length - 1];
    at("older").disabled = true;
    try {
      const answer = await fetch(end ? `/sessions?${place(end.row)}` : "/sessions");
      if (!answer.ok) { throw new Error(await answer.text()); }
      const rows = await answer.json();
      older = true;
      for (const row of rows) { add(row, false); }
      at("told").value = rows.length === 0 ? "There are no older ones." : "";
      count();
    } catch {
      at("told").value = "There is no index to read them from.";
    }
    at("older").disabled = false;
  });
})();
