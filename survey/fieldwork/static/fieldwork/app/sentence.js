/* An error in words that an interviewer reads as they are. */
export function sentence(words) { return Object.assign(new Error(words), { words }); }
