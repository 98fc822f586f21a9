/** The scenarios of the official client against the compiled server: platform (being written). */
