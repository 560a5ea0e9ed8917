/* The app's version and the protocol that it speaks (docs/field-sync.md). */

export const APP = "1.0";
export const PROTOCOL = 3;
