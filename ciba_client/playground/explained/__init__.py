"""What the page says about what it shows: claims, parameters, errors, signatures."""
