// loadgen: single-threaded epoll HTTP/1.1 replay generator for loopback benchmarks.
// Each "stage" is a text file; a line is  PATH \t DPOP-or-'-' \t BODY  ; BODY may contain {ID},
// which is replaced by the id of the flow (from -i file, or from "auth_req_id" of an earlier
// stage). A stage file with exactly one line is a template that is reused; otherwise lines are used
// once. Latency is measured from send (closed loop) or from scheduled arrival (open loop, -r).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  char *path, *dpop, *body;
  int pl, dl, bl;
} rec;
typedef struct {
  rec *r;
  long n, next;
  long ok, bad;
  double *lat;
  long nlat, clat;
  int statuses[600];
  const char *expect;
} stage;
#define MAXST 4
static stage st[MAXST];
static int nst = 0;
static char **ids;
static int *idl;
static long nids = 0, idnext = 0;
typedef struct {
  int fd, stg, active, outl, outoff, inl;
  char *out, *in;
  char id[256];
  int idlen;
  double t0, ts;
  int flow_ok;
} conn;
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
static int port = 0, nconn = 16, quiet = 0, noexp = 0;
static long skip = 0;
static double dur = 5, warm = 0, rate = 0;
static long maxn = -1;
static const char *host = "127.0.0.1", *source;
static char *outids;
static FILE *outf;
static double *flat;
static long nfl = 0, cfl = 0;
static long okflows = 0, badflows = 0, started = 0, reconn = 0, responses = 0;
static double tstart, tmeasure;
static char errsample[700];
static conn *C;
static int ep;

static char *slurp(const char *f, long *n) {
  int fd = open(f, O_RDONLY);
  if (fd < 0) {
    perror(f);
    exit(2);
  }
  struct stat s;
  fstat(fd, &s);
  char *p = malloc(s.st_size + 1);
  long o = 0, k;
  while (o < s.st_size && (k = read(fd, p + o, s.st_size - o)) > 0)
    o += k;
  p[o] = 0;
  *n = o;
  close(fd);
  return p;
}
static void load_stage(const char *f) {
  stage *s = &st[nst++];
  long n;
  char *p = slurp(f, &n), *e = p + n;
  long cap = 1024;
  s->r = malloc(cap * sizeof(rec));
  while (p < e) {
    char *nl = memchr(p, '\n', e - p);
    if (!nl)
      nl = e;
    *nl = 0;
    char *a = strchr(p, '\t');
    if (a) {
      *a = 0;
      char *b = strchr(a + 1, '\t');
      if (b) {
        *b = 0;
        if (s->n == cap)
          s->r = realloc(s->r, (cap *= 2) * sizeof(rec));
        rec *r = &s->r[s->n++];
        r->path = p;
        r->pl = strlen(p);
        r->dpop = a + 1;
        r->dl = strlen(a + 1);
        r->body = b + 1;
        r->bl = strlen(b + 1);
        if (r->dl == 1 && r->dpop[0] == '-')
          r->dl = 0;
      }
    }
    p = nl + 1;
  }
  s->clat = 1 << 16;
  s->lat = malloc(s->clat * sizeof(double));
}
static void load_ids(const char *f) {
  long n;
  char *p = slurp(f, &n), *e = p + n;
  long cap = 1024;
  ids = malloc(cap * sizeof(char *));
  idl = malloc(cap * sizeof(int));
  while (p < e) {
    char *nl = memchr(p, '\n', e - p);
    if (!nl)
      nl = e;
    *nl = 0;
    if (*p) {
      if (nids == cap) {
        cap *= 2;
        ids = realloc(ids, cap * sizeof(char *));
        idl = realloc(idl, cap * sizeof(int));
      }
      ids[nids] = p;
      idl[nids++] = strlen(p);
    }
    p = nl + 1;
  }
}
static void pushlat(double **a, long *n, long *c, double v) {
  if (*n == *c)
    *a = realloc(*a, (*c *= 2) * sizeof(double));
  (*a)[(*n)++] = v;
}
static void dial(conn *c) {
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in a = {0};
  a.sin_family = AF_INET;
  if (source) {
    inet_pton(AF_INET, source, &a.sin_addr);
    if (bind(c->fd, (void *)&a, sizeof a)) {
      perror("bind");
      exit(3);
    }
  }
  a.sin_port = htons(port);
  inet_pton(AF_INET, host, &a.sin_addr);
  if (connect(c->fd, (void *)&a, sizeof a)) {
    perror("connect");
    exit(3);
  }
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
  c->inl = 0;
}
static void flush_out(conn *c) {
  while (c->outoff < c->outl) {
    ssize_t k = write(c->fd, c->out + c->outoff, c->outl - c->outoff);
    if (k < 0) {
      if (errno == EAGAIN) {
        struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
        return;
      }
      return;
    }
    c->outoff += k;
  }
}
static int exhausted = 0;
static void send_stage(conn *c) {
  stage *s = &st[c->stg];
  rec *r;
  if (s->n == 1)
    r = &s->r[0];
  else {
    if (s->next >= s->n) {
      exhausted = 1;
      c->active = 0;
      return;
    }
    r = &s->r[s->next++];
  }
  static char body[1 << 16];
  char *b = r->body;
  int bl = r->bl;
  char *ph = memmem(r->body, r->bl, "{ID}", 4);
  if (ph) {
    int pre = ph - r->body;
    memcpy(body, r->body, pre);
    memcpy(body + pre, c->id, c->idlen);
    memcpy(body + pre + c->idlen, ph + 4, r->bl - pre - 4);
    bl = r->bl - 4 + c->idlen;
    b = body;
  }
  char *o = c->out;
  o += sprintf(o,
               "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: "
               "application/x-www-form-urlencoded\r\nAccept: application/json\r\n",
               r->path, port);
  if (r->dl) {
    memcpy(o, "DPoP: ", 6);
    o += 6;
    memcpy(o, r->dpop, r->dl);
    o += r->dl;
    memcpy(o, "\r\n", 2);
    o += 2;
  }
  o += sprintf(o, "Content-Length: %d\r\n\r\n", bl);
  memcpy(o, b, bl);
  o += bl;
  c->outl = o - c->out;
  c->outoff = 0;
  c->ts = now();
  flush_out(c);
}
static void start_flow(conn *c, double sched) {
  c->stg = 0;
  c->active = 1;
  c->flow_ok = 1;
  c->idlen = 0;
  started++;
  if (nids) {
    long i = idnext++ % nids;
    memcpy(c->id, ids[i], idl[i]);
    c->idlen = idl[i];
  }
  c->t0 = sched;
  send_stage(c);
  if (!c->active)
    started--;
}
// returns total length of a complete response or 0
static int complete(conn *c, int *status, char **body, int *blen) {
  char *h = memmem(c->in, c->inl, "\r\n\r\n", 4);
  if (!h)
    return 0;
  *h = 0;
  *status = atoi(c->in + 9);
  char *cl = strcasestr(c->in, "content-length:");
  int chunked = strcasestr(c->in, "transfer-encoding: chunked") != NULL;
  *h = '\r';
  char *bs = h + 4;
  int have = c->in + c->inl - bs;
  if (chunked) {
    char *p = bs;
    char *w = NULL;
    *body = bs;
    *blen = 0;
    w = bs; // decode in place only if complete
    if (c->inl < 5 || memcmp(c->in + c->inl - 5, "0\r\n\r\n", 5))
      return 0;
    while (1) {
      long k = strtol(p, &p, 16);
      p += 2;
      if (k == 0)
        break;
      memmove(w, p, k);
      w += k;
      p += k + 2;
      *blen += k;
    }
    return c->inl;
  }
  int n = cl ? atoi(cl + 15) : 0;
  if (have < n)
    return 0;
  *body = bs;
  *blen = n;
  return (bs - c->in) + n;
}
static int cmpd(const void *a, const void *b) {
  double x = *(double *)a, y = *(double *)b;
  return x < y ? -1 : x > y;
}
static double pct(double *a, long n, double p) {
  if (!n)
    return 0;
  long i = (long)(p * (n - 1) + .5);
  return a[i] * 1e3;
}
static void prlat(const char *nm, double *a, long n) {
  qsort(a, n, sizeof(double), cmpd);
  double s = 0;
  for (long i = 0; i < n; i++)
    s += a[i];
  printf("\"%s\":{\"mean\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}", nm,
         n ? s / n * 1e3 : 0, pct(a, n, .5), pct(a, n, .9), pct(a, n, .99), n ? a[n - 1] * 1e3 : 0);
}
int main(int ac, char **av) {
  int o;
  signal(SIGPIPE, SIG_IGN);
  int ex = 0;
  while ((o = getopt(ac, av, "p:b:c:d:n:r:w:s:i:o:x:k:")) != -1)
    switch (o) {
    case 'p':
      port = atoi(optarg);
      break;
    case 'b':
      source = optarg;
      break;
    case 'c':
      nconn = atoi(optarg);
      break;
    case 'd':
      dur = atof(optarg);
      break;
    case 'n':
      maxn = atol(optarg);
      break;
    case 'r':
      rate = atof(optarg);
      break;
    case 'w':
      warm = atof(optarg);
      break;
    case 's':
      load_stage(optarg);
      break;
    case 'i':
      load_ids(optarg);
      break;
    case 'o':
      outids = optarg;
      break;
    case 'k':
      skip = atol(optarg);
      break;
    case 'x':
      st[ex++].expect = optarg;
      break;
    default:
      return 2;
    }
  if (!port || !nst) {
    fprintf(stderr, "usage\n");
    return 2;
  }
  if (dur > 120)
    dur = 120; // hard bound
  for (int i = 0; i < nst; i++)
    if (st[i].n > 1)
      st[i].next = skip;
  if (outids)
    outf = fopen(outids, "w");
  ep = epoll_create1(0);
  C = calloc(nconn, sizeof(conn));
  cfl = 1 << 16;
  flat = malloc(cfl * sizeof(double));
  for (int i = 0; i < nconn; i++) {
    C[i].out = malloc(1 << 16);
    C[i].in = malloc(1 << 17);
    dial(&C[i]);
  }
  struct rusage r0, r1;
  getrusage(RUSAGE_SELF, &r0);
  tstart = now();
  tmeasure = tstart + warm;
  double tend = tmeasure + dur;
  double cpu0 = -1;
  int inflight = 0;
  double tlast = tstart;
  long sched = 0;
  if (!rate)
    for (int i = 0; i < nconn; i++) {
      if (maxn >= 0 && started >= maxn)
        break;
      start_flow(&C[i], now());
      if (C[i].active)
        inflight++;
    }
  struct epoll_event ev[256];
  double stopgrace = 0;
  while (1) {
    double t = now();
    int stopping = t >= tend || exhausted || (maxn >= 0 && started >= maxn);
    if (cpu0 < 0 && t >= tmeasure) {
      getrusage(RUSAGE_SELF, &r0);
      cpu0 = 1;
      if (warm > 0)
        tmeasure = t;
    }
    if (stopping) {
      if (!inflight)
        break;
      if (!stopgrace)
        stopgrace = t + 10;
      if (t > stopgrace)
        break;
    }
    struct timespec to = {0, 100000000};
    if (rate && !stopping) { // open loop: start every due arrival on an idle connection
      double due = tstart + sched / rate;
      for (int i = 0; i < nconn && due <= t; i++)
        if (!C[i].active) {
          start_flow(&C[i], due);
          if (C[i].active)
            inflight++;
          sched++;
          due = tstart + sched / rate;
          if (exhausted || (maxn >= 0 && started >= maxn))
            break;
        }
      double wait = due - now();
      if (wait < 0)
        wait = 0;
      if (wait > .1)
        wait = .1;
      to.tv_nsec = (long)(wait * 1e9);
    }
    int n = epoll_pwait2(ep, ev, 256, &to, NULL);
    for (int i = 0; i < n; i++) {
      conn *c = ev[i].data.ptr;
      if (ev[i].events & EPOLLOUT) {
        flush_out(c);
        if (c->outoff >= c->outl) {
          struct epoll_event e2 = {.events = EPOLLIN, .data.ptr = c};
          epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e2);
        }
      }
      if (!(ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        continue;
      ssize_t k = read(c->fd, c->in + c->inl, (1 << 17) - c->inl - 1);
      if (k <= 0) {
        if (k < 0 && errno == EAGAIN)
          continue;
        close(c->fd);
        reconn++;
        dial(c);
        if (c->active) {
          badflows++;
          c->active = 0;
          inflight--;
          if (!rate && now() < tend && !exhausted) {
            start_flow(c, now());
            if (c->active)
              inflight++;
          }
        }
        continue;
      }
      c->inl += k;
      c->in[c->inl] = 0;
      int status, bl;
      char *b;
      int tot = complete(c, &status, &b, &bl);
      if (!tot)
        continue;
      responses++;
      double t1 = now();
      stage *s = &st[c->stg];
      char sv = b[bl];
      b[bl] = 0;
      int good = s->expect ? strstr(b, s->expect) != NULL : (status >= 200 && status < 300);
      if (status > 0 && status < 600 && t1 >= tmeasure)
        s->statuses[status]++;
      if (!good && !errsample[0])
        snprintf(errsample, sizeof errsample, "stage %d status %d %s", c->stg, status, b);
      char *q = strstr(b, "\"auth_req_id\":");
      if (q) {
        q += 14;
        while (*q == ' ')
          q++;
        if (*q == '"') {
          q++;
          char *e = strchr(q, '"');
          if (e && e - q < 255) {
            memcpy(c->id, q, e - q);
            c->idlen = e - q;
            if (outf && c->stg == 0)
              fprintf(outf, "%.*s\n", (int)(e - q), q);
          }
        }
      }
      b[bl] = sv;
      memmove(c->in, c->in + tot, c->inl - tot);
      c->inl -= tot;
      if (t1 >= tmeasure && t1 <= tend) {
        if (good) {
          s->ok++;
          pushlat(&s->lat, &s->nlat, &s->clat, t1 - c->ts);
        } else
          s->bad++;
      }
      tlast = t1;
      if (!good)
        c->flow_ok = 0;
      if (good && c->stg + 1 < nst) {
        c->stg++;
        send_stage(c);
        if (!c->active)
          inflight--;
        continue;
      }
      if (t1 >= tmeasure && t1 <= tend) {
        if (c->flow_ok) {
          okflows++;
          pushlat(&flat, &nfl, &cfl, t1 - c->t0);
        } else
          badflows++;
      }
      c->active = 0;
      inflight--;
      if (!rate && t1 < tend && !exhausted && (maxn < 0 || started < maxn)) {
        start_flow(c, now());
        if (c->active)
          inflight++;
      }
    }
  }
  getrusage(RUSAGE_SELF, &r1);
  double tstop = tlast < tend ? tlast : tend;
  double wall = tstop - tmeasure;
  double cpu = (r1.ru_utime.tv_sec - r0.ru_utime.tv_sec) +
               (r1.ru_stime.tv_sec - r0.ru_stime.tv_sec) +
               (r1.ru_utime.tv_usec - r0.ru_utime.tv_usec) * 1e-6 +
               (r1.ru_stime.tv_usec - r0.ru_stime.tv_usec) * 1e-6;
  printf("{\"flows_ok\":%ld,\"flows_bad\":%ld,\"wall\":%.3f,\"per_s\":%.1f,\"gen_cpu_share\":%.3f,"
         "\"reconnects\":%ld,\"exhausted\":%d,\"responses\":%ld,\"next\":%ld,",
         okflows, badflows, wall, okflows / wall,
         cpu / (tlast - tmeasure > 0 ? now() - tmeasure : 1), reconn, exhausted, responses, ({
           long m = 0;
           for (int i = 0; i < nst; i++)
             if (st[i].n > 1 && st[i].next > m)
               m = st[i].next;
           m;
         }));
  prlat("flow_ms", flat, nfl);
  for (int i = 0; i < nst; i++) {
    char nm[16];
    sprintf(nm, "stage%d_ms", i);
    printf(",");
    prlat(nm, st[i].lat, st[i].nlat);
    printf(",\"stage%d_status\":{", i);
    int f = 1;
    for (int k = 0; k < 600; k++)
      if (st[i].statuses[k]) {
        printf("%s\"%d\":%d", f ? "" : ",", k, st[i].statuses[k]);
        f = 0;
      }
    printf("}");
  }
  for (char *p = errsample; *p; p++)
    if (*p == '"' || *p == '\n' || *p == '\\')
      *p = '\'';
  printf(",\"err\":\"%s\"}\n", errsample);
  if (outf)
    fclose(outf);
  return 0;
}
