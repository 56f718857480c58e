/* NumPy's linear algebra on SciPy's library of it, so that the binary has one OpenBLAS and not two (28 MB).
 *
 * Both wheels bring the same OpenBLAS: NumPy's counts in 64 bits and its names end in 64_, SciPy's counts in 32. What is
 * built of this file has the name of NumPy's and the functions that NumPy asks for, each a call of SciPy's. Arrays with
 * more than 2^31 rows or columns are out of its reach.
 *
 * CBLAS takes its numbers by value, and a callee that wants 32 bits reads the lower half of 64: a jump is enough. LAPACK takes
 * pointers. On a little-endian machine a 64-bit number that is read is a 32-bit one, too; what is written is widened here.
 */
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "needs a little-endian machine"
#endif

#if defined(__x86_64__)
#define JUMP "jmp "
#define PLT "@PLT"
#elif defined(__aarch64__)
#define JUMP "b "
#define PLT ""
#else
#error "no jump is known for this machine"
#endif

typedef int64_t L;
typedef int32_t S;

#define JUMPS(wide, narrow) \
    __asm__(".text\n.globl scipy_" wide "\n.type scipy_" wide ", @function\nscipy_" wide ":\n\t" JUMP "scipy_" narrow PLT "\n");
#define CBLAS(name) JUMPS("cblas_" name "64_", "cblas_" name)
#define EACH(name) CBLAS("s" name) CBLAS("d" name) CBLAS("c" name) CBLAS("z" name)

EACH("axpy") EACH("gemm") EACH("gemv") EACH("syrk")
CBLAS("sdot") CBLAS("ddot") CBLAS("cdotc_sub") CBLAS("cdotu_sub") CBLAS("zdotc_sub") CBLAS("zdotu_sub")

/* NumPy divides a negative stride as an unsigned number, and only 64 bits of it wrap round to where it should be. */
#define COPY(name, type) \
    void scipy_##name##_64_(L *n, type *x, L *incx, type *y, L *incy) { \
        uintptr_t from = (uintptr_t)x, to = (uintptr_t)y; \
        uintptr_t step = (uintptr_t)*incx * sizeof(type), stride = (uintptr_t)*incy * sizeof(type); \
        if (*incx < 0) from -= (uintptr_t)(*n - 1) * step; \
        if (*incy < 0) to -= (uintptr_t)(*n - 1) * stride; \
        for (L i = 0; i < *n; i++, from += step, to += stride) *(type *)to = *(type *)from; \
    }
COPY(scopy, float) COPY(dcopy, double) COPY(ccopy, float _Complex) COPY(zcopy, double _Complex)

/* n numbers that lie packed at the beginning of their array. */
static void widen(L *at, L n) {
    for (L i = n - 1; i >= 0; i--) at[i] = ((S *)at)[i];
}

#define P(x) (S *)(x)
#define CALL(name, ...) \
    extern void scipy_##name##_(); \
    S told = 0; \
    scipy_##name##_(__VA_ARGS__, &told); \
    *info = told;

#define GESV(name) \
    void scipy_##name##_64_(L *n, L *nrhs, void *a, L *lda, L *ipiv, void *b, L *ldb, L *info) { \
        CALL(name, P(n), P(nrhs), a, P(lda), P(ipiv), b, P(ldb)) \
        if (told >= 0) widen(ipiv, *n); \
    }
GESV(sgesv) GESV(dgesv) GESV(cgesv) GESV(zgesv)

#define GETRF(name) \
    void scipy_##name##_64_(L *m, L *n, void *a, L *lda, L *ipiv, L *info) { \
        CALL(name, P(m), P(n), a, P(lda), P(ipiv)) \
        if (told >= 0) widen(ipiv, *m < *n ? *m : *n); \
    }
GETRF(sgetrf) GETRF(dgetrf) GETRF(cgetrf) GETRF(zgetrf)

#define POTRF(name) \
    void scipy_##name##_64_(char *uplo, L *n, void *a, L *lda, L *info) { CALL(name, uplo, P(n), a, P(lda)) }
POTRF(spotrf) POTRF(dpotrf) POTRF(cpotrf) POTRF(zpotrf)

#define GEQRF(name) \
    void scipy_##name##_64_(L *m, L *n, void *a, L *lda, void *tau, void *work, L *lwork, L *info) { \
        CALL(name, P(m), P(n), a, P(lda), tau, work, P(lwork)) \
    }
GEQRF(dgeqrf) GEQRF(zgeqrf)

#define ORGQR(name) \
    void scipy_##name##_64_(L *m, L *n, L *k, void *a, L *lda, void *tau, void *work, L *lwork, L *info) { \
        CALL(name, P(m), P(n), P(k), a, P(lda), tau, work, P(lwork)) \
    }
ORGQR(dorgqr) ORGQR(zungqr)

/* The complex one has one array of values and one more to work in; both have as many arguments. */
#define GEEV(name) \
    void scipy_##name##_64_(char *left, char *right, L *n, void *a, L *lda, void *wr, void *wi, void *vl, L *ldvl, void *vr, \
                            L *ldvr, void *work, L *lwork, L *info) { \
        CALL(name, left, right, P(n), a, P(lda), wr, wi, vl, P(ldvl), vr, P(ldvr), work, P(lwork)) \
    }
GEEV(sgeev) GEEV(dgeev)
#define GEEVC(name) \
    void scipy_##name##_64_(char *left, char *right, L *n, void *a, L *lda, void *w, void *vl, L *ldvl, void *vr, L *ldvr, \
                            void *work, L *lwork, void *rwork, L *info) { \
        CALL(name, left, right, P(n), a, P(lda), w, vl, P(ldvl), vr, P(ldvr), work, P(lwork), rwork) \
    }
GEEVC(cgeev) GEEVC(zgeev)

/* Asked with -1, they say in iwork[0] how much of it they want. */
#define SYEVD(name) \
    void scipy_##name##_64_(char *job, char *uplo, L *n, void *a, L *lda, void *w, void *work, L *lwork, L *iwork, L *liwork, \
                            L *info) { \
        CALL(name, job, uplo, P(n), a, P(lda), w, work, P(lwork), P(iwork), P(liwork)) \
        if (*lwork == -1 || *liwork == -1) widen(iwork, 1); \
    }
SYEVD(ssyevd) SYEVD(dsyevd)
#define HEEVD(name) \
    void scipy_##name##_64_(char *job, char *uplo, L *n, void *a, L *lda, void *w, void *work, L *lwork, void *rwork, \
                            L *lrwork, L *iwork, L *liwork, L *info) { \
        CALL(name, job, uplo, P(n), a, P(lda), w, work, P(lwork), rwork, P(lrwork), P(iwork), P(liwork)) \
        if (*lwork == -1 || *lrwork == -1 || *liwork == -1) widen(iwork, 1); \
    }
HEEVD(cheevd) HEEVD(zheevd)

#define GESDD(name) \
    void scipy_##name##_64_(char *job, L *m, L *n, void *a, L *lda, void *s, void *u, L *ldu, void *vt, L *ldvt, void *work, \
                            L *lwork, L *iwork, L *info) { \
        CALL(name, job, P(m), P(n), a, P(lda), s, u, P(ldu), vt, P(ldvt), work, P(lwork), P(iwork)) \
    }
GESDD(sgesdd) GESDD(dgesdd)
#define GESDDC(name) \
    void scipy_##name##_64_(char *job, L *m, L *n, void *a, L *lda, void *s, void *u, L *ldu, void *vt, L *ldvt, void *work, \
                            L *lwork, void *rwork, L *iwork, L *info) { \
        CALL(name, job, P(m), P(n), a, P(lda), s, u, P(ldu), vt, P(ldvt), work, P(lwork), rwork, P(iwork)) \
    }
GESDDC(cgesdd) GESDDC(zgesdd)

#define GELSD(name) \
    void scipy_##name##_64_(L *m, L *n, L *nrhs, void *a, L *lda, void *b, L *ldb, void *s, void *rcond, L *rank, void *work, \
                            L *lwork, L *iwork, L *info) { \
        S found = 0; \
        CALL(name, P(m), P(n), P(nrhs), a, P(lda), b, P(ldb), s, rcond, &found, work, P(lwork), P(iwork)) \
        *rank = found; \
        if (*lwork == -1) widen(iwork, 1); \
    }
GELSD(sgelsd) GELSD(dgelsd)
#define GELSDC(name) \
    void scipy_##name##_64_(L *m, L *n, L *nrhs, void *a, L *lda, void *b, L *ldb, void *s, void *rcond, L *rank, void *work, \
                            L *lwork, void *rwork, L *iwork, L *info) { \
        S found = 0; \
        CALL(name, P(m), P(n), P(nrhs), a, P(lda), b, P(ldb), s, rcond, &found, work, P(lwork), rwork, P(iwork)) \
        *rank = found; \
        if (*lwork == -1) widen(iwork, 1); \
    }
GELSDC(cgelsd) GELSDC(zgelsd)
