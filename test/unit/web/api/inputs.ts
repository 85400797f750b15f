/** Valid input for every operation: what is wrong with input that differs from it in one place is known. */

export const inputs = {
  path: { tenant: "acme", site: "main", user: "operator", token: "none" } as Record<string, string>,
  body: {
    changeMyPassword: { present: "one long password", wanted: "another long password" },
    addTenant: { name: "third" },
    addSite: { name: "second", services: ["livestatus"] },
    setServices: { services: ["livestatus"] },
    issueToken: { minutes: 5 },
    command: { kind: "acknowledge", host: "db1", service: "CPU", comment: "seen", sticky: true },
    query: { tenant: "acme", query: "GET hosts" },
    addUser: { name: "carol", role: "operator", tenants: [], password: "one long password" },
    setPassword: { password: "one long password" },
    setRole: { role: "operator", tenants: [] },
    addToken: { name: "scrape", scope: ["hub"], days: 1 },
  } as Record<string, unknown>,
};
