/** @jsxImportSource hono/jsx */
/** The choice of services. */

export function Services({ known, chosen }: { known: readonly string[]; chosen: readonly string[] }) {
  return (
    <fieldset>
      <legend>Services</legend>
      <div class="choices">
        {known.map((service) => (
          <label class="check">
            <input type="checkbox" name="service" value={service} checked={chosen.includes(service)} />
            <span>{service}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
