// Everything the phone says, in German.

/** @param {number} count @param {string} one @param {string} many */
const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/** @type {import("./en.js").Words} */
export const de = {
  tag: "de",
  language: "Deutsch",
  app: "Freigaben",
  phoneNumber: (number) => `Telefon ${number}`,
  close: "Schließen",
  back: "Zurück",
  cancel: "Abbrechen",
  done: "Fertig",
  next: "Weiter",
  copy: "Kopieren",
  copied: "Kopiert",
  dismiss: "Ausblenden",
  tryAgain: "Noch einmal versuchen",
  loading: "Einen Moment …",
  today: "Heute",
  yesterday: "Gestern",

  connection: {
    online: "Verbunden",
    connecting: "Verbindet",
    offline: "Offline",
    elsewhere: "Anderswo offen",
    noNetwork: "Sie sind offline. Neue Anfragen erscheinen, sobald Sie wieder verbunden sind.",
    noService: "Der Dienst ist nicht erreichbar.",
    retryIn: (seconds) => `Nächster Versuch in ${seconds} s.`,
    now: "Jetzt versuchen",
  },

  home: {
    waiting: "Wartet auf Sie",
    emptyTitle: "Nichts freizugeben",
    emptyText: "Wenn jemand Ihre Freigabe braucht, erscheint die Anfrage hier von selbst.",
    history: "Ihre Entscheidungen",
    historyEmpty: "Was Sie freigeben oder ablehnen, steht hier.",
    arrived: (client) => `Neue Anfrage von ${client}.`,
    to: "an",
    sending: "Ihre Antwort wird gesendet",
    unsure: "Ihre Antwort ist noch nicht bestätigt",
    approved: "Freigegeben",
    denied: "Abgelehnt",
    notMe: "Gemeldet",
    locked: "Freigaben sind gesperrt. Ihre Bank kann sie entsperren.",
    settings: "Einstellungen",
    linkTitle: "Dieses Telefon ist schon eingerichtet",
    linkText:
      "Der Code Ihres Links wurde nicht verwendet. Mit ihm können Sie ein weiteres Telefon in diesem Browser einrichten.",
    linkFurther: "Weiteres Telefon einrichten",
  },

  request: {
    askedBy: "Anfrage von",
    amount: "Betrag",
    payee: "An",
    account: "Konto",
    reference: "Verwendungszweck",
    message: "Nachricht",
    messageHint: "Das Gerät, an dem Sie begonnen haben, muss dasselbe zeigen.",
    code: "Code des anderen Geräts",
    codeHint: "Geben Sie die sechs Ziffern ein, die es zeigt. Zeigt es keine, lehnen Sie ab.",
    codeMissing: "Geben Sie alle sechs Ziffern ein, die das andere Gerät zeigt.",
    shares: "Wird weitergegeben",
    confirmWith: "Zur Bestätigung",
    factors: {
      device_key: "dieses Telefon",
      pin: "Ihre PIN",
      passkey: "Ihr Passkey",
      otp: "ein Einmalcode",
      verification_code: "der Code des anderen Geräts",
    },
    pinOrPasskey: "Ihre PIN oder ein Passkey",
    approve: "Freigeben",
    deny: "Ablehnen",
    secondsLeft: (seconds) => `Noch ${seconds} Sekunden.`,
    notMe: "Das war ich nicht",
    notMeTitle: "Sie haben das nicht begonnen?",
    notMeText: (client) =>
      `Dann verwendet vielleicht jemand Ihren Namen. Die Anfrage wird abgelehnt, und ${client} kann Sie vorerst nicht mehr fragen.`,
    notMeConfirm: "Ablehnen und melden",
  },

  lateReport: {
    title: "Sie haben das nicht begonnen?",
    text: (client) =>
      `Dann verwendet vielleicht jemand Ihren Namen. Hier wurde nichts freigegeben. Wenn Sie es melden, kann ${client} Sie vorerst nicht mehr fragen.`,
    action: "Melden",
    done: (client) => `Gemeldet: ${client}.`,
  },

  confirm: {
    title: "Mit Ihrer PIN bestätigen",
    titlePasskey: "Mit Ihrem Passkey bestätigen",
    pin: "PIN",
    digit: (digit) => `Ziffer ${digit}`,
    erase: "Letzte Ziffer löschen",
    enter: "Bestätigen",
    usePasskey: "Passkey verwenden",
    passkeyText: "Ihr Gerät fragt nach Fingerabdruck, Gesicht oder seiner eigenen PIN.",
    passkeyMissing:
      "Diese Anfrage braucht einen Passkey, und auf diesem Telefon ist keiner. Fügen Sie in den Einstellungen einen hinzu, und kommen Sie dann zurück.",
    otpTitle: "Einmalcode",
    otpText: "Von diesem Telefon erzeugt. Er wird mitgesendet, wenn Sie bestätigen.",
    otpUsed: "Der letzte wurde verwendet. Ihre Antwort wird mit dem nächsten gesendet.",
    tooShort: "Eine PIN hat 6 bis 12 Ziffern.",
    wrong: "Das war nicht richtig.",
    attemptsLeft: (left) => `Noch ${counted(left, "Versuch", "Versuche")}.`,
    lastAttempt: "Nach einem weiteren falschen Versuch sind Freigaben gesperrt.",
    paused: (time) =>
      `Es bleibt nur ein Versuch. Zu Ihrer Sicherheit können Sie ihn erst in ${time} nutzen.`,
    pinLost: "Wenn Sie Ihre PIN nicht mehr wissen, lehnen Sie ab und wenden sich an Ihre Bank.",
  },

  outcome: {
    deciding: "Wird bestätigt …",
    decidingDeny: "Wird abgelehnt …",
    decidingText: "Das dauert einen Moment.",
    unsure: "Noch nicht bestätigt",
    unsureText:
      "Ihre Antwort wurde gesendet, aber es kam keine Bestätigung. Sie wird noch einmal gesendet, sobald Sie verbunden sind, und zählt nur einmal. Bis dahin kann niemand sagen, ob sie rechtzeitig ankam.",
    approved: "Freigegeben",
    approvedText: "Sie können dort weitermachen, wo Sie begonnen haben.",
    denied: "Abgelehnt",
    deniedText: (client) => `${client} erhält nichts von Ihnen.`,
    reported: "Abgelehnt und gemeldet",
    reportedText: (client) =>
      `${client} kann Sie vorerst nicht mehr fragen. Wenn mit Ihrem Konto etwas nicht stimmt, rufen Sie Ihre Bank an.`,
    withdrawn: {
      decided: "Auf einem anderen Telefon beantwortet",
      cancelled: "Die Anfrage wurde zurückgezogen",
      expired: "Die Zeit ist um",
      failed: "Die Anfrage wurde abgebrochen",
      gone: "Die Anfrage ist vorbei",
    },
    withdrawnText: {
      decided: "Eines Ihrer anderen Telefone hat geantwortet. Hier ist nichts mehr zu tun.",
      cancelled: "Der Anfragende hat sie zurückgenommen. Nichts wurde freigegeben.",
      expired: "Sie wurde hier nicht rechtzeitig beantwortet. Hier wurde nichts freigegeben.",
      failed: "Der Dienst hat diese Anfrage abgebrochen. Hier wurde nichts freigegeben.",
      gone: "Sie ist nicht mehr offen. Hier wurde nichts freigegeben.",
    },
    unknown: "Nicht bekannt, ob es zählt",
    unknownText:
      "Ihre Antwort wurde gesendet und von niemandem bestätigt. Sehen Sie dort, wo Sie begonnen haben, ob sie rechtzeitig ankam.",
    notOpen: "Die Anfrage ist vorbei",
    notOpenText:
      "Sie wurde beantwortet, zurückgezogen oder es war zu spät. Diese Antwort zählt nicht.",
    invalid: "Nicht angenommen",
    invalidText: "Der Dienst hat die Antwort nicht angenommen. Nichts wurde freigegeben.",
    locked: "Freigaben sind gesperrt",
    lockedText:
      "Es gab zu viele falsche Versuche. Auf keinem Ihrer Telefone kann etwas freigegeben werden, bis Ihre Bank entsperrt. Ablehnen können Sie weiterhin.",
    lockedAction:
      "Wenden Sie sich an Ihre Bank, wenn Sie weitermachen möchten, und erst recht, wenn die Versuche nicht von Ihnen kamen.",
    backHome: "Zur Übersicht",
  },

  enrol: {
    title: "Dieses Telefon einrichten",
    intro: "Damit geben Sie Zahlungen, Anmeldungen und Zugriffe frei. Es dauert eine Minute.",
    code: "Aktivierungscode",
    codeHint: "Zwölf Buchstaben und Ziffern von Ihrer Bank.",
    codeFromLink: "Aus Ihrem Link übernommen.",
    codeShort: "Ein Aktivierungscode hat zwölf Buchstaben und Ziffern.",
    secret: "Zweites Geheimnis",
    secretHint: "Lassen Sie das leer, wenn Ihre Bank Ihnen keines gegeben hat.",
    nameTitle: "Name des Telefons",
    nameText: "Damit Sie es unter Ihren anderen Telefonen erkennen.",
    name: "Name",
    nameDefault: "Mein Telefon",
    nameMissing: "Ein Name hat 1 bis 64 Buchstaben und Ziffern.",
    pinTitle: "PIN wählen",
    pinText: "6 bis 12 Ziffern. Damit geben Sie frei; Ihre Bank fragt sonst nirgends danach.",
    pinWeak:
      "Diese PIN ist leicht zu erraten. Wählen Sie Ziffern ohne Reihen, Wiederholungen oder Muster.",
    repeatTitle: "PIN wiederholen",
    repeatText: "Noch einmal, damit kein Vertippen Sie aussperrt.",
    different: "Die beiden PINs sind nicht gleich. Wählen Sie noch einmal.",
    working: "Wird eingerichtet …",
    workingText: "Schlüssel entstehen auf diesem Telefon und verlassen es nie.",
    step: (step, steps) => `Schritt ${step} von ${steps}`,
    doneTitle: "Dieses Telefon ist bereit",
    doneText: "Anfragen erscheinen von selbst, solange diese Seite offen ist.",
    start: "Zur Übersicht",
  },

  waiting: {
    title: "Auf dem anderen Telefon zulassen",
    text: "Öffnen Sie das Telefon, das Sie schon haben, wählen Sie das neue Telefon und geben Sie dort diesen Code ein:",
    code: "Vergleichscode",
    notYou: "Wenn Sie kein anderes Telefon bei sich haben, wenden Sie sich an Ihre Bank.",
    give: "Einrichten beenden",
    giveTitle: "Einrichten dieses Telefons beenden?",
    giveText:
      "Seine Schlüssel werden gelöscht. Für einen neuen Versuch brauchen Sie einen neuen Code.",
  },

  ended: {
    revoked: "Dieses Telefon wurde entfernt",
    revokedText:
      "Es kann nichts mehr freigeben, und seine Schlüssel sind gelöscht. Wenn Sie es nicht selbst entfernt haben, wenden Sie sich an Ihre Bank.",
    rejected: "Dieses Telefon wurde nicht zugelassen",
    rejectedText:
      "Ein anderes Telefon hat es abgewiesen, oder niemand hat es rechtzeitig zugelassen. Seine Schlüssel sind gelöscht.",
    given_up: "Dieses Telefon wurde aufgegeben",
    given_upText: "Seine Schlüssel sind gelöscht. Ihre anderen Telefone arbeiten weiter.",
    again: "Neu einrichten",
  },

  trouble: {
    insecure: "Diese Seite ist hier nicht sicher",
    insecureText:
      "Schlüssel können nur auf einer Seite liegen, die über https oder von diesem Rechner kommt. Öffnen Sie ihre https-Adresse.",
    storage: "Dieser Browser speichert nichts",
    storageText:
      "Das Telefon bewahrt seine Schlüssel in diesem Browser auf, der das nicht zulässt. Verlassen Sie das private Fenster, oder erlauben Sie dieser Seite zu speichern.",
    unsupported: "Dieser Browser ist zu alt",
    unsupportedText:
      "Ihm fehlt, was das Telefon braucht. Nehmen Sie einen aktuellen Firefox, Chrome, Edge oder Safari.",
    untrusted: "Das ist nicht der Dienst Ihrer Bank",
    untrustedText:
      "Es hat ein anderer Dienst geantwortet als der, bei dem dieses Telefon eingerichtet wurde. Nichts wurde an ihn gesendet.",
    configuration: "Das Telefon kann nicht starten",
    configurationText: "Diese Seite konnte nicht erfahren, zu welchem Dienst sie gehört.",
    mended:
      "Der Dienst konnte nicht lesen, was dieses Telefon sandte. Antworten, die noch unterwegs waren, werden nicht mehr gesendet: Sehen Sie nach, ob sie gezählt haben.",
    elsewhere: "Dieses Telefon ist anderswo offen",
    elsewhereText:
      "Es arbeitet in einem Fenster zur Zeit, damit keine Anfrage doppelt beantwortet wird.",
    takeOver: "Hier verwenden",
  },

  newcomer: {
    card: (name) => `Ein neues Telefon möchte dazu: ${name}`,
    cardText: "Nur Sie können es zulassen.",
    look: "Ansehen",
    title: "Neues Telefon zulassen?",
    text: "Tun Sie das nur, wenn Sie selbst gerade ein Telefon einrichten und es vor sich haben. Es kann dann in Ihrem Namen freigeben.",
    name: "Name des neuen Telefons",
    since: "Gefragt",
    code: "Code auf dem neuen Telefon",
    codeHint: "Geben Sie die sechs Ziffern ein, die das neue Telefon zeigt.",
    codeMissing: "Geben Sie alle sechs Ziffern ein.",
    approve: "Zulassen",
    reject: "Abweisen",
    notMe: "Das war ich nicht",
    notMeText:
      "Dann hat jemand anderes einen Code von Ihnen und versucht, ein Telefon in Ihrem Namen einzurichten. Es wird sofort abgewiesen. Wenden Sie sich an Ihre Bank.",
    notMeConfirm: "Abweisen und melden",
    approved: "Das neue Telefon gehört Ihnen",
    rejected: "Das neue Telefon wurde abgewiesen",
    over: "Dieses Telefon wartet nicht mehr.",
    pinTitle: "Neues Telefon zulassen",
  },

  notice: {
    device_enrolled: (name) =>
      `Ein Telefon kam dazu: ${name}. Wenn Sie das nicht waren, entfernen Sie es und wenden Sie sich an Ihre Bank.`,
    device_revoked: (name) => `Ein Telefon wurde entfernt: ${name}.`,
    device_rejected: (name) => `Ein neues Telefon wurde abgewiesen: ${name}.`,
    attempts_warning: (name, left) =>
      left === 0
        ? `Zu viele falsche Versuche auf ${name}: Freigaben sind auf allen Telefonen gesperrt.`
        : `Falsche Versuche auf ${name}: Es ${left === 1 ? "bleibt" : "bleiben"} ${left}. Wenn Sie das nicht waren, entfernen Sie dieses Telefon oder wenden sich an Ihre Bank.`,
    passkey_added: (name) => `Ein Passkey kam dazu auf ${name}.`,
    passkey_removed: (name) => `Ein Passkey wurde entfernt auf ${name}.`,
    challenge_ignored: "Eine Anfrage wurde nicht gezeigt, weil ihr nicht zu trauen ist.",
    keys_pinned: "Der Dienst Ihrer Bank hat seine Schlüssel erneuert.",
    keys_ignored: "Schlüssel wurden angekündigt, denen nicht zu trauen ist: Sie gelten nicht.",
    pin_changed: "Ihre PIN wurde geändert.",
    pin_not_changed: "Ihre PIN wurde nicht geändert: Die alte gilt.",
    request_withdrawn: (client, why) => `${client}: ${why}`,
    why: {
      decided: "auf einem anderen Telefon beantwortet.",
      expired: "die Zeit war um.",
      cancelled: "vom Anfragenden zurückgezogen.",
      failed: "vom Dienst abgebrochen.",
      gone: "nicht mehr offen.",
    },
    answer_void: (client, why) => `${client}: ${why}`,
    whyVoid: {
      not_open: "Ihre Antwort kam zu spät und zählt nicht.",
      locked: "Ihre Antwort zählt nicht, denn Freigaben sind gesperrt.",
      invalid_decision: "Ihre Antwort wurde nicht angenommen.",
      unknown:
        "Ihre Antwort wurde gesendet und nie bestätigt. Sehen Sie dort, wo Sie begonnen haben, ob sie gezählt hat.",
    },
  },

  settings: {
    title: "Einstellungen",
    phones: "Telefone",
    phonesText: "Umbenennen, entfernen, hinzufügen",
    pin: "PIN ändern",
    pinText: "Nur die dieses Telefons",
    passkeys: "Passkeys",
    passkeysText: "Fingerabdruck oder Gesicht statt der PIN",
    accesses: "Dauerhafte Zugriffe",
    accessesText: "Wer ohne Nachfrage wiederkommen darf",
    handle: "Anmeldename für einmal",
    handleText: "Gefunden werden, ohne sich zu nennen",
    language: "Sprache",
    about: "Über dieses Telefon",
    aboutText: "Was es ist und was es speichert",
  },

  phones: {
    this: "Dieses Telefon",
    since: (date) => `Seit ${date}`,
    rename: "Dieses Telefon umbenennen",
    newName: "Neuer Name",
    renamed: "Umbenannt.",
    save: "Speichern",
    revoke: "Entfernen",
    revokeNamed: (name) => `${name} entfernen`,
    revokeTitle: (name) => `${name} entfernen?`,
    revokeText: "Es kann von da an nichts mehr freigeben, und seine Schlüssel zählen nicht mehr.",
    revoked: (name) => `${name} wurde entfernt.`,
    invite: "Telefon hinzufügen",
    inviteTitle: "Code für ein weiteres Telefon",
    inviteText:
      "Öffnen Sie den Link auf dem neuen Telefon, oder geben Sie dort den Code ein. Lassen Sie es dann von hier aus zu.",
    inviteCode: "Aktivierungscode",
    inviteLink: "Link",
    inviteUntil: (time) => `Gültig für ${time}.`,
    inviteOver: "Dieser Code ist abgelaufen.",
    giveUp: "Dieses Telefon aufgeben",
    giveUpTitle: "Dieses Telefon aufgeben?",
    giveUpText:
      "Es kann von da an nichts mehr freigeben. Seine Schlüssel werden hier und bei Ihrer Bank gelöscht.",
  },

  pin: {
    title: "PIN ändern",
    old: "Ihre bisherige PIN",
    changed: "Ihre PIN ist geändert.",
    pending:
      "Eine Änderung Ihrer PIN ist unterwegs. Sobald der Dienst antwortet, erfahren Sie, welche PIN gilt.",
  },

  passkeys: {
    title: "Passkeys",
    text: "Geben Sie mit Fingerabdruck, Gesicht oder der Sperre dieses Geräts frei, wo Ihre Bank das erlaubt.",
    none: "Auf diesem Telefon ist noch kein Passkey.",
    notOffered: "Ihre Bank bietet keine Passkeys an.",
    add: "Passkey hinzufügen",
    added: "Der Passkey wurde hinzugefügt.",
    pinTitle: "Passkey hinzufügen",
    one: "Passkey",
    since: (date) => `Seit ${date}`,
    synced: "kann auf Ihren anderen Geräten sein",
    local: "nur auf diesem Gerät",
    remove: "Entfernen",
    removeTitle: "Diesen Passkey entfernen?",
    removeText: "Von da an geben Sie mit Ihrer PIN frei. Ihr Browser zeigt ihn vielleicht noch an.",
    removed: "Der Passkey wurde entfernt.",
  },

  accesses: {
    title: "Dauerhafte Zugriffe",
    text: "Diese dürfen für das wiederkommen, was Sie einmal freigegeben haben, ohne Sie noch einmal zu fragen.",
    none: "Niemand hat dauerhaften Zugriff.",
    shares: "Wird weitergegeben",
    since: (date) => `Freigegeben ${date}`,
    until: (date) => `Endet ${date}, wenn er nicht benutzt wird`,
    end: "Zugriff beenden",
    endTitle: (client) => `Zugriff von ${client} beenden?`,
    endText: "Er endet sofort. Wird er wieder gebraucht, werden Sie wieder gefragt.",
    ended: (client) => `Der Zugriff von ${client} ist beendet.`,
  },

  handle: {
    title: "Anmeldename für einmal",
    text: "Wo ein Geschäft nach Ihrem Anmeldenamen fragt, geben Sie diesen an. Er sagt nicht, wer Sie sind, und gilt einmal.",
    make: "Namen erzeugen",
    another: "Noch einen erzeugen",
    name: "Anmeldename",
    until: (time) => `Gültig für ${time}.`,
    over: "Dieser Name ist abgelaufen.",
  },

  about: {
    title: "Über dieses Telefon",
    name: "Name",
    subject: "Gehört",
    issuer: "Dienst",
    deviceId: "Gerätenummer",
    number: "In diesem Browser",
    other: "Andere Telefone in diesem Browser",
    further: "Weiteres Telefon öffnen",
    stored: "Was gespeichert ist",
    storedText:
      "Zwei Schlüssel, die keine Seite auslesen kann: einer unterschreibt, einer macht Ihre Einmalcodes. Ihr Verlauf, und der Schlüssel Ihrer PIN, verborgen hinter der PIN. Die PIN selbst ist nirgends gespeichert.",
    forget: "Aus diesem Browser löschen",
    forgetTitle: "Dieses Telefon aus dem Browser löschen?",
    forgetText:
      "Die Schlüssel sind dann weg, und Ihre Bank erfährt es nicht. Soll es auch bei Ihrer Bank enden, geben Sie das Telefon stattdessen auf.",
  },

  errors: {
    invalid_pin: "Eine PIN hat 6 bis 12 Ziffern.",
    weak_pin:
      "Diese PIN ist leicht zu erraten. Wählen Sie Ziffern ohne Reihen, Wiederholungen oder Muster.",
    invalid_name: "Ein Name hat 1 bis 64 Buchstaben und Ziffern, ohne Steuerzeichen oder Emoji.",
    invalid_issuer: "Die Adresse des Dienstes ist nicht sicher.",
    enrolment_refused:
      "Code oder zweites Geheimnis wurden nicht angenommen. Prüfen Sie beides, oder bitten Sie Ihre Bank um neue.",
    not_enrolled: "Dieses Telefon ist noch nicht eingerichtet.",
    already_enrolled: "Dieses Telefon ist schon eingerichtet.",
    not_approved: "Ein anderes Telefon von Ihnen muss dieses erst zulassen.",
    ended: "Dieses Telefon zählt nicht mehr.",
    unreachable:
      "Der Dienst ist nicht erreichbar. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
    untrusted: "Es hat nicht der Dienst Ihrer Bank geantwortet. Nichts wurde gesendet.",
    not_open: "Die Anfrage ist nicht mehr offen.",
    missing_factor: "Zur Bestätigung fehlt etwas.",
    no_fresh_code:
      "Der Einmalcode dieses Moments wurde schon verwendet. Warten Sie auf den nächsten.",
    wrong_pin: "Das war nicht richtig.",
    locked: "Zu viele falsche Versuche: Ihre Bank muss Ihre Freigaben entsperren.",
    paused: "Es bleibt nur ein Versuch, und er muss warten.",
    stale: "Das dauerte zu lange, und nichts ist geschehen. Versuchen Sie es noch einmal.",
    busy: "Eine Änderung Ihrer PIN ist unterwegs. Warten Sie, bis sie fertig ist.",
    unknown_device: "Dieses Telefon gibt es nicht mehr.",
    no_such_newcomer: "Kein wartendes Telefon zeigt diesen Code. Vergleichen Sie ihn noch einmal.",
    disabled: "Ihre Bank hat Ihren Zugang abgeschaltet.",
    passkeys_disabled: "Ihre Bank bietet keine Passkeys an.",
    too_many_passkeys: "Mehr Passkeys sind nicht erlaubt. Entfernen Sie erst einen.",
    invalid_passkey: "Dieser Passkey ist hier nicht zu gebrauchen.",
    unknown_passkey: "Diesen Passkey gibt es nicht mehr.",
    no_gesture: "Der Passkey wurde nicht bestätigt.",
    unknown_access: "Dieser Zugriff ist schon beendet.",
    refused: "Der Dienst hat nicht angenommen, was dieses Telefon sandte.",
    elsewhere: "Dieses Telefon ist in einem anderen Fenster offen.",
    storage: "Der Browser konnte nicht speichern, was nötig ist.",
    insecure: "Diese Seite ist hier nicht sicher: Öffnen Sie ihre https-Adresse.",
    closed: "Dieses Telefon wurde geschlossen. Laden Sie die Seite neu.",
  },
};
