// Prints what libstdc++ and glibc compute for the inputs that the tests repeat:
//   g++ -O2 -o /tmp/oracle test/oracle/libstdcxx.cc && /tmp/oracle > test/oracle/libstdcxx.json
// Orders of equal keys, draws and roundings are facts of that library; the recording is from GCC 12.2 and glibc 2.36.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <sstream>
#include <vector>

struct Element { int id; float key; };
static bool before(const Element & a, const Element & b) { return a.key > b.key; }

// FNV-1a over 32-bit words
struct Hash {
    uint32_t h = 2166136261u;
    void add(uint32_t word) { h = (h ^ word) * 16777619u; }
};
static uint32_t hashIds(const std::vector<Element> & elements, size_t count) {
    Hash hash;
    for (size_t i = 0; i < count; i++) hash.add(elements[i].id);
    return hash.h;
}

static void printOrders(const std::vector<Element> & input) {
    std::vector<Element> sorted = input;
    std::sort(sorted.begin(), sorted.end(), before);
    printf("\"sorted\":%u,\"partial\":[", hashIds(sorted, sorted.size()));
    const size_t n = input.size();
    const size_t ks[] = {1, 2, 7, 40, n / 2, n - 1};
    bool comma = false;
    for (size_t k : ks) {
        if (k < 1 || k >= n) continue;
        std::vector<Element> partial = input;
        std::partial_sort(partial.begin(), partial.begin() + k, partial.end(), before);
        printf("%s{\"k\":%zu,\"front\":%u}", comma ? "," : "", k, hashIds(partial, k));
        comma = true;
    }
    printf("]");
}

// McIlroy's adversary ("A killer adversary for quicksort", 1999): keys that drive std::sort to its depth limit
static std::vector<float> killer(int n) {
    std::vector<int> value(n, n), order(n);
    int solid = 0, candidate = 0;
    for (int i = 0; i < n; i++) order[i] = i;
    std::sort(order.begin(), order.end(), [&](int a, int b) {
        if (value[a] == n && value[b] == n) (a == candidate ? value[a] : value[b]) = solid++;
        if (value[a] == n) candidate = a; else if (value[b] == n) candidate = b;
        return value[a] < value[b];
    });
    std::vector<float> keys(n);
    // coarser than the adversary's keys, so that there are ties; negated, because the tests sort descending
    for (int i = 0; i < n; i++) keys[i] = -float(value[i] / 2);
    return keys;
}

template <class F> static void printLibm(const char * name, F f, bool last) {
    Hash hash;
    for (uint64_t bits = 0; bits < (1ull << 32); bits += 4099) {
        uint32_t in = uint32_t(bits), out;
        float x, y;
        memcpy(&x, &in, 4);
        y = f(x);
        memcpy(&out, &y, 4);
        hash.add(std::isnan(y) ? 0x7fc00000u : out);
    }
    printf("  \"%s\":%u%s\n", name, hash.h, last ? "" : ",");
}

int main() {
    printf("{\"orders\":[\n");
    bool comma = false;
    for (int n : {2, 3, 15, 16, 17, 18, 33, 100, 513, 1000, 5059, 32000}) {
        for (uint32_t m : {1u, 2u, 3u, 10u, 100u, 4294967295u}) {
            std::mt19937 rng(n + m);
            std::vector<Element> input(n);
            for (int i = 0; i < n; i++) input[i] = {i, float(rng() % m)};
            printf("%s  {\"n\":%d,\"modulus\":%u,", comma ? ",\n" : "", n, m);
            printOrders(input);
            printf("}");
            comma = true;
        }
    }
    printf("\n],\"killers\":[\n");
    comma = false;
    for (int n : {100, 400}) {
        const std::vector<float> keys = killer(n);
        std::vector<Element> input(n);
        printf("%s  {\"keys\":[", comma ? ",\n" : "");
        for (int i = 0; i < n; i++) {
            input[i] = {i, keys[i]};
            printf("%s%g", i ? "," : "", keys[i]);
        }
        printf("],");
        printOrders(input);
        printf("}");
        comma = true;
    }
    printf("\n],\"draws\":[\n");
    comma = false;
    for (uint32_t seed : {0u, 1u, 42u, 1691487030u, 4294967295u}) {
        for (int n : {1, 2, 3, 40, 1000}) {
            std::mt19937 rng(seed);
            std::vector<float> weights(n);
            for (int i = 0; i < n; i++) weights[i] = float(rng() % 1000) / 1000.0f;
            printf("%s  {\"seed\":%u,\"n\":%d,\"draws\":[", comma ? ",\n" : "", seed, n);
            for (int i = 0; i < 20; i++) {
                std::discrete_distribution<> distribution(weights.begin(), weights.end());
                printf("%s%d", i ? "," : "", distribution(rng));
            }
            std::ostringstream state;
            state << rng;
            Hash hash;
            for (char c : state.str()) hash.add((unsigned char) c);
            printf("],\"state\":%u}", hash.h);
            comma = true;
        }
    }
    printf("\n],\"libm\":{\n");
    printLibm("expf", [](float x) { return expf(x); }, false);
    printLibm("logf", [](float x) { return logf(x); }, false);
    printLibm("log2f", [](float x) { return log2f(x); }, true);
    printf("}}\n");
}
