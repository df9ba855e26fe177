/* Plots as SVG: axes, lines, and what is shown when pointed at. */
#include "report/plot.h"

#include <math.h>

#define WIDTH  560.0
#define HEIGHT 230.0
#define LEFT   54.0
#define RIGHT  16.0
#define TOP    14.0
#define BOTTOM 40.0
#define TICKS  5
#define MARKS  90 /* points of a line that tell their values */

struct scale {
    double from, to; /* of the data, or of its logarithm */
    bool log;
};

static double place(const struct scale *scale, double value, double begin, double end)
{
    double at = scale->log ? log10(value) : value;
    return begin + (at - scale->from) / (scale->to - scale->from) * (end - begin);
}

static double x_of(const struct scale *x, double value)
{
    return place(x, value, LEFT, WIDTH - RIGHT);
}

static double y_of(const struct scale *y, double value)
{
    return place(y, value, HEIGHT - BOTTOM, TOP);
}

/* 1, 2 or 5 times a power of ten: the distance of about TICKS ticks. */
static double round_step(double range)
{
    double raw = range / TICKS, power = pow(10, floor(log10(raw)));
    double lead = raw / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

static bool drawn(const struct rc_plot *plot, double value)
{
    return isfinite(value) && (!plot->y_log || value > 0);
}

static struct scale y_scale(const struct rc_plot *plot)
{
    double low = INFINITY, high = 0;
    for (size_t l = 0; l < RC_PLOT_LINES && plot->line[l].name; l++) {
        for (size_t i = 0; i < plot->count; i++) {
            double value = plot->line[l].y[i];
            if (drawn(plot, value)) {
                low = fmin(low, value);
                high = fmax(high, value);
            }
        }
    }
    if (high <= 0) {
        return (struct scale){0, 1, false};
    }
    if (plot->y_log) {
        return (struct scale){floor(log10(low)), fmax(ceil(log10(high)), floor(log10(low)) + 1), true};
    }
    return (struct scale){0, ceil(high / round_step(high)) * round_step(high), false};
}

static void write_number(FILE *out, double value)
{
    double size = fabs(value);
    if (size >= 1e6) {
        fprintf(out, "%gM", value / 1e6);
    } else if (size >= 1e3) {
        fprintf(out, "%gk", value / 1e3);
    } else {
        fprintf(out, "%g", value);
    }
}

static void y_tick(FILE *out, const struct scale *y, double value)
{
    double at = y_of(y, value);
    fprintf(out, "<line class=\"grid\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, at, at);
    fprintf(out, "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8, at + 4);
    write_number(out, value);
    fprintf(out, "</text>\n");
}

static void x_tick(FILE *out, double at, double value, const char *name)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">", at, HEIGHT - BOTTOM + 18);
    if (name) {
        fprintf(out, "%s", name);
    } else {
        write_number(out, value);
    }
    fprintf(out, "</text>\n");
}

static void axes(FILE *out, const struct rc_plot *plot, const struct scale *x, const struct scale *y)
{
    double step = y->log ? 1 : round_step(y->to - y->from);
    int steps = (int)((y->to - y->from) / step + 0.001);
    for (int i = 0; i <= steps; i++) {
        double at = y->from + i * step;
        y_tick(out, y, y->log ? pow(10, at) : at);
    }
    for (size_t i = 0; i < plot->x_tick_count; i++) {
        x_tick(out, x_of(x, plot->x_ticks[i]), plot->x_ticks[i], plot->x_names[i]);
    }
    step = round_step(x->to - x->from);
    for (double at = ceil(x->from / step) * step; !plot->x_ticks && at <= x->to; at += step) {
        x_tick(out, x_of(x, at), at, NULL);
    }
    fprintf(out, "<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">%s</text>\n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4,
            plot->x_unit);
}

/* A line that is broken where there is no point. */
static void draw_line(FILE *out, const struct rc_plot *plot, size_t l, const struct scale *x, const struct scale *y)
{
    const double *value = plot->line[l].y;
    bool pen_down = false;
    fprintf(out, "<path class=\"line%zu\" d=\"", l + 1);
    for (size_t i = 0; i < plot->count; i++) {
        if (drawn(plot, value[i])) {
            fprintf(out, "%c%.1f %.1f", pen_down ? 'L' : 'M', x_of(x, plot->x[i]), y_of(y, value[i]));
        }
        pen_down = drawn(plot, value[i]);
    }
    fprintf(out, "\"/>\n");
    size_t every = plot->count / MARKS + 1;
    for (size_t i = 0; i < plot->count; i += every) {
        if (drawn(plot, value[i])) {
            fprintf(out,
                    "<circle class=\"mark%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>%s: %.6g %s at %.4g "
                    "%s</title></circle>\n",
                    l + 1, x_of(x, plot->x[i]), y_of(y, value[i]), plot->line[l].name, value[i], plot->y_unit,
                    plot->x[i], plot->x_unit);
        }
    }
}

static void legend(FILE *out, const struct rc_plot *plot)
{
    fprintf(out, "<figcaption><b>%s</b>, %s", plot->title, plot->y_unit);
    for (size_t l = 0; l < RC_PLOT_LINES && plot->line[l].name && plot->line[1].name; l++) {
        fprintf(out, " <span class=\"key key%zu\"></span>%s", l + 1, plot->line[l].name);
    }
    fprintf(out, "</figcaption>\n");
}

void rc_plot_write(FILE *out, const struct rc_plot *plot)
{
    if (plot->count < 2) {
        return;
    }
    struct scale x = {plot->x[0], plot->x[plot->count - 1], false}, y = y_scale(plot);
    fprintf(out, "<figure>\n");
    legend(out, plot);
    fprintf(out, "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT, plot->title);
    axes(out, plot, &x, &y);
    for (size_t l = 0; l < RC_PLOT_LINES && plot->line[l].name; l++) {
        draw_line(out, plot, l, &x, &y);
    }
    fprintf(out, "</svg>\n</figure>\n");
}
