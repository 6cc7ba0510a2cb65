// What must outlive the page is kept before anybody hears of it.

/**
 * Keep what has changed, or take it back; raises `PhoneError` (`storage`).
 * @param {import("../running.js").RunningPhone} phone
 * @param {() => void} takeBack
 */
export async function kept(phone, takeBack) {
  try {
    await phone.keep();
  } catch (error) {
    takeBack();
    throw error;
  }
}
