// What a server answers, as far as it is worth reading.

/**
 * Read a whole body; raises `RangeError` for one of more than `most` bytes.
 *
 * @param {Response} response
 * @param {number} most
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function boundedBody(response, most) {
  const reader = response.body?.getReader();
  const chunks = [];
  let size = 0;
  for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) {
    size += chunk.value.length;
    if (size > most) {
      await reader?.cancel();
      throw new RangeError("an answer that is too long");
    }
    chunks.push(chunk.value);
  }
  const whole = new Uint8Array(size);
  let end = 0;
  for (const chunk of chunks) {
    whole.set(chunk, end);
    end += chunk.length;
  }
  return whole;
}
