// Search, sorting, filtering, tables as CSV. Pages can be read without it: it only adds to them.
// Its words are attributes of its own <script>; what is searched is assets/<language>-search.js, a
// script too, since a page opened from a file system may not fetch data.
(() => {
  "use strict";
  const own = document.currentScript;
  const said = own.dataset;
  const most = 12;

  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const words = (text) => folded(text).split(/\s+/).filter(Boolean);
  const make = (name, attributes = {}, text = "") => {
    const element = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.textContent = text;
    return element;
  };

  // Search: places by name; the best beginning first.
  const form = document.querySelector("form[role=search]");
  const field = form && form.querySelector("input");
  if (field) {
    const list = make("ul", { id: "found", role: "listbox", "aria-label": said.found, hidden: "" });
    const status = make("span", { role: "status", class: "visually-hidden" });
    form.append(list, status);
    const attributes = { role: "combobox", "aria-expanded": "false", "aria-controls": "found",
      "aria-autocomplete": "list", autocomplete: "off" };
    Object.entries(attributes).forEach(([key, value]) => field.setAttribute(key, value));
    let options = [];
    let chosen = -1;
    const load = () => {
      if (document.querySelector("script[data-places]")) return;
      const script = make("script", { src: said.search, "data-places": "" });
      script.addEventListener("load", show);
      document.head.append(script);
    };
    const close = () => {
      list.hidden = true;
      chosen = -1;
      field.setAttribute("aria-expanded", "false");
      field.removeAttribute("aria-activedescendant");
    };
    const choose = (place) => {
      chosen = options.length ? (place + options.length) % options.length : -1;
      options.forEach((option, number) => {
        option.setAttribute("aria-selected", String(number === chosen));
      });
      if (chosen < 0) return;
      field.setAttribute("aria-activedescendant", options[chosen].id);
      options[chosen].scrollIntoView({ block: "nearest" });
    };
    const find = (text) => {
      const wanted = words(text);
      return (window.ilkPlaces || [])
        .map(([name, kind, path]) => {
          // The id too: it has the short names, such as kanwil and lapas.
          const parts = words(`${name} ${path.replace(/^\w+\/|\.html$/g, "").replace(/-/g, " ")}`);
          const all = wanted.every((word) => parts.some((part) => part.includes(word)));
          const begun = wanted.filter((word) => parts.some((part) => part.startsWith(word)));
          return all && { name, kind, path, rank: begun.length - parts.length / 100 };
        })
        .filter(Boolean)
        .sort((one, other) => other.rank - one.rank);
    };
    const go = (option) => { location.href = said.root + option.dataset.path; };
    const show = () => {
      if (!field.value.trim() || !window.ilkPlaces) return close();
      const found = find(field.value);
      options = found.slice(0, most).map(({ name, kind, path }, number) => {
        const option = make("li", { role: "option", id: `found-${number}`, "aria-selected": "false" });
        option.append(name, " ", make("small", {}, kind));
        option.dataset.path = path;
        option.addEventListener("mousedown", (event) => event.preventDefault());
        option.addEventListener("click", () => go(option));
        return option;
      });
      list.replaceChildren(...options);
      const count = found.length ? said.count.replace("#", found.length) : said.nothing;
      status.textContent = count;
      if (!found.length) list.replaceChildren(make("li", { role: "option", "aria-disabled": "true" }, count));
      chosen = -1;
      field.removeAttribute("aria-activedescendant");
      list.hidden = false;
      field.setAttribute("aria-expanded", "true");
    };
    field.addEventListener("focus", load, { once: true });
    field.addEventListener("input", () => { load(); show(); });
    field.addEventListener("blur", () => setTimeout(() => form.contains(document.activeElement) || close(), 150));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        close();
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) show();
        choose(event.key === "ArrowDown" ? chosen + 1 : Math.max(chosen, 0) - 1);
      }
    });
    form.addEventListener("submit", (event) => {
      // Without a choice among several, the list of units shows all that match.
      const option = options[Math.max(chosen, 0)];
      if (list.hidden || !option || (chosen < 0 && options.length > 1)) return;
      event.preventDefault();
      go(option);
    });
  }

  // A cell as text, without the cards that lie in it.
  const shown = (cell) => {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll("[popover]").forEach((card) => card.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  };

  // Sorting: by data-v where a cell has it, else by text; what isn't shown comes last, both ways.
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const keyOf = (cell) => {
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = shown(cell);
    return cell.querySelector(".hidden, .none") || text === "–" || !text ? null : text;
  };
  const sort = (table, column, way) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[column]) }));
    rows.sort((one, other) => {
      if (one.key === null || other.key === null) return (one.key === null) - (other.key === null);
      const order = typeof one.key === "number" && typeof other.key === "number"
        ? one.key - other.key : collator.compare(one.key, other.key);
      return way * order;
    });
    body.append(...rows.map(({ row }) => row));
  };
  document.querySelectorAll("table.sorts").forEach((table) => {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = make("button", { type: "button" });
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        // The first click on figures puts the highest on top.
        const first = heading.classList.contains("number") ? "descending" : "ascending";
        const last = heading.getAttribute("aria-sort");
        const next = !last ? first : last === "ascending" ? "descending" : "ascending";
        headings.forEach((each) => each.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", next);
        sort(table, column, next === "ascending" ? 1 : -1);
      });
    });
    if (table.tBodies[0].rows.length > most) filter(table);
  });

  function filter(table) {
    const box = table.closest(".scroll") || table;
    const label = make("label", { class: "no-print" }, said.filter);
    const input = make("input", { type: "search" });
    const status = make("p", { role: "status", class: "faint no-print" });
    label.append(input);
    box.before(label, status);
    const rows = [...table.tBodies[0].rows].map((row) => [row, folded([...row.cells].map(shown).join(" "))]);
    const apply = () => {
      const wanted = words(input.value);
      let count = 0;
      rows.forEach(([row, text]) => {
        row.hidden = !wanted.every((word) => text.includes(word));
        count += row.hidden ? 0 : 1;
      });
      status.textContent = wanted.length ? said.count.replace("#", count) : "";
    };
    input.addEventListener("input", apply);
    const asked = new URLSearchParams(location.search).get("q");
    if (asked && table.dataset.name === "units") {
      input.value = asked;
      apply();
    }
  }

  // Any table as a file, as the reader's spreadsheet writes numbers.
  const between = said.decimal === "," ? ";" : ",";
  const quoted = (text) => {
    // A spreadsheet would run what begins like a formula.
    const safe = /^[=+@-]/.test(text) && !/^[+-]?[\d.,]+%?$/.test(text) ? `'${text}` : text;
    return safe.includes(between) || safe.includes('"') ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  document.querySelectorAll("main .scroll > table").forEach((table, number) => {
    const button = make("button", { type: "button", class: "download no-print" }, said.download);
    const name = table.closest("[aria-label]").getAttribute("aria-label");
    button.setAttribute("aria-label", `${said.download}: ${name}`);
    button.addEventListener("click", () => {
      const lines = [...table.rows].filter((row) => !row.hidden)
        .map((row) => [...row.cells].map((cell) => quoted(shown(cell))).join(between));
      const file = new Blob(["\ufeff", lines.join("\r\n"), "\r\n"], { type: "text/csv" });
      const page = location.pathname.split("/").pop().replace(/\.html$/, "") || "index";
      const link = make("a", { href: URL.createObjectURL(file), download: `${page}-${number + 1}.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    table.closest(".scroll").after(button);
  });
})();
