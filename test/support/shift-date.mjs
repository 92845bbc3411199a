/** Preloaded by a process whose machine's clock is to be wrong, by so many milliseconds: Date alone is. */
const shift = Number(process.env['SHIFT_DATE_MS'] ?? 0);
const RightDate = Date;

globalThis.Date = class Date extends RightDate {
  constructor(...given) {
    if (given.length === 0) super(RightDate.now() + shift);
    else super(...given);
  }

  static now() {
    return RightDate.now() + shift;
  }
};
