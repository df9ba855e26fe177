/*
 * Plots as inline SVG, for the HTML report. Colours are CSS variables of the page, so that they follow its theme; every line of
 * the data is drawn in full, and a title on each marker tells its values when pointed at.
 */
#ifndef RC_PLOT_H
#define RC_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define RC_PLOT_LINES 3

struct rc_plot_line {
    const char *name;
    const double *y; /* [count]; NAN: no point */
};

struct rc_plot {
    const char *title, *x_unit, *y_unit;
    const double *x; /* [count], rising */
    size_t count;
    struct rc_plot_line line[RC_PLOT_LINES]; /* up to the first without a name */
    bool y_log;
    /* Ticks of the x axis, where numbers do not serve; NULL: round numbers. */
    const char *const *x_names;
    const double *x_ticks;
    size_t x_tick_count;
};

void rc_plot_write(FILE *out, const struct rc_plot *plot);

#endif
