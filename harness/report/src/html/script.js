"use strict";
(() => {
  const PAGE = 100;
  const form = document.querySelector(".controls");
  const list = document.getElementById("list");

  // A small page holds its conversations; a large one holds them packed. Both show the same elements.
  const unpack = async (name) => {
    const text = document.getElementById(`packed-${name}`).textContent;
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const lines = (await new Response(stream).text()).split("\n");
    lines.pop();
    return lines;
  };
  let details = null;
  const unpackDetails = () => {
    details ??= Promise.all([unpack("lines"), unpack("bodies")]).then(([lines, bodies]) => ({ lines, bodies }));
    return details;
  };
  const put = (line, [anchor, id, client, , , , base]) => line
    .replace(/\x01(\d+)\x02/g, (_, distance) => base + Number(distance))
    .replaceAll("\x03", () => anchor).replaceAll("\x04", () => id).replaceAll("\x05", () => client);
  const bodyOf = async (row, place) => {
    const { lines, bodies } = await unpackDetails();
    if (bodies[place] === "") {
      return "<p>Left out of this page for its size; <code>--format jsonl</code> has it.</p>";
    }
    return bodies[place].split(" ").map((number) => put(lines[number], row)).join("\n");
  };
  const plain = (markup) => markup.replace(/<[^>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&quot;", "\"").replaceAll("&#39;", "'").replaceAll("&amp;", "&").toLowerCase();

  const packed = async () => {
    const rows = (await unpack("rows")).map((line) => JSON.parse(line));
    const heads = rows.map((row) => plain(row.slice(1, 5).join(" ")));
    const places = new Map(rows.map((row, place) => [row[0], place]));
    const nav = document.querySelector(".pages");
    let found = rows.map((_, place) => place);
    let page = 0;
    const element = (place) => {
      const row = rows[place];
      const one = document.createElement("details");
      one.className = "conversation";
      one.id = row[0];
      const mark = row[5] ? " <span class=\"fail\">failed</span>" : "";
      one.innerHTML = `<summary><b>${row[1]}</b> ${row[2]} to ${row[3]}${mark} <small>${row[4]}</small></summary><div></div>`;
      const fill = async () => {
        const rest = one.lastElementChild;
        if (!rest.firstChild) { rest.innerHTML = await bodyOf(row, place); }
      };
      one.addEventListener("toggle", () => { if (one.open) { fill(); } });
      one.fill = fill;
      return one;
    };
    const draw = () => {
      const last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
      page = Math.min(Math.max(page, 0), last);
      list.replaceChildren(...found.slice(page * PAGE, (page + 1) * PAGE).map(element));
      nav.hidden = last === 0;
      nav.querySelector("output").value = `page ${page + 1} of ${last + 1}`;
      nav.querySelector("[name=back]").disabled = page === 0;
      nav.querySelector("[name=on]").disabled = page === last;
      form.elements.count.value = `${found.length} of ${rows.length}`;
    };
    nav.addEventListener("click", (event) => {
      const step = { back: -1, on: 1 }[event.target.name];
      if (step) { page += step; draw(); list.scrollIntoView(); }
    });
    let texts = null;
    const having = async (text) => {
      const { lines, bodies } = await unpackDetails();
      texts ??= lines.map(plain);
      const hits = new Set(texts.flatMap((line, number) => (line.includes(text) ? [String(number)] : [])));
      return (place) => heads[place].includes(text)
        || (hits.size > 0 && bodies[place].split(" ").some((number) => hits.has(number)));
    };
    let turn = 0;
    const filter = async () => {
      const mine = ++turn;
      const text = form.elements.text.value.trim().toLowerCase();
      const failed = form.elements.failed.checked;
      const has = text === "" ? () => true : await having(text);
      // Somebody has typed on meanwhile.
      if (mine !== turn) { return; }
      found = rows.flatMap((row, place) => ((!failed || row[5]) && has(place) ? [place] : []));
      page = 0;
      draw();
    };
    const show = async (id) => {
      const place = places.get(id);
      if (place === undefined) { return; }
      if (!found.includes(place)) {
        form.reset();
        found = rows.map((_, number) => number);
      }
      const wanted = Math.floor(found.indexOf(place) / PAGE);
      if (wanted !== page || !document.getElementById(id)) {
        page = wanted;
        draw();
      }
      await document.getElementById(id).fill();
    };
    draw();
    return { filter, show };
  };

  const open = () => {
    const all = [...document.querySelectorAll("details.conversation")];
    const filter = () => {
      const text = form.elements.text.value.trim().toLowerCase();
      const failed = form.elements.failed.checked;
      let shown = 0;
      for (const one of all) {
        one.hidden = (failed && one.dataset.failed !== "true")
          || (text !== "" && !one.textContent.toLowerCase().includes(text));
        shown += one.hidden ? 0 : 1;
      }
      form.elements.count.value = `${shown} of ${all.length}`;
    };
    filter();
    return { filter, show: async () => {} };
  };

  const start = async () => {
    const { filter, show } = list ? await packed() : open();
    const follow = async () => {
      let id = "";
      try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
      if (!id) { return; }
      await show(/^(.*?)(\.\d+)?$/.exec(id)[1]);
      const target = document.getElementById(id);
      const detail = target && target.closest("details");
      if (detail) {
        detail.hidden = false;
        detail.open = true;
        target.scrollIntoView({ block: target === detail ? "start" : "center" });
      }
    };
    addEventListener("hashchange", follow);
    if (form) {
      form.hidden = false;
      form.addEventListener("input", filter);
      form.addEventListener("submit", (event) => event.preventDefault());
      addEventListener("keydown", (event) => {
        const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
        if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
          event.preventDefault();
          form.elements.text.focus();
        }
      });
    }
    await follow();
    document.documentElement.dataset.ready = "true";
  };
  start();
})();
