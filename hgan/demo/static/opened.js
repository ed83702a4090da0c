// The address has been read: from now on show_address.js may change it.
() => {
  window.hganOpened = true;
};
