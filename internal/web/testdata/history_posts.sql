-- Posts $FROM$ to $TO$ of $POSTS$: two years of history of 240 instances, in Chinese, earliest first. A card goes to 48 of
-- the instances, 15 seconds apart. Few failed, were missed, cancelled or are unknown; the last day's posts are still to
-- come. The words are put together by a number that looks random and is the same every time.
INSERT INTO posts (id, instance_id, state, due_at, max_lateness, miss_at, content, title, description, url, thumb_url, visibility, author, source,
    moment_id, attempt, claim_token, intent_at, finished_at, created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT g, i.id, s.state::post_state, t.due, '30 minutes', t.due + interval '30 minutes',
    w.season || w.what || '：' || w.verb || '，' || w.offer || '，数量有限，先到先得。' || w.place || '同步开售，' || w.what || w.tail
        || CASE WHEN card % 1000 = 7 THEN '鸢尾限定' ELSE '' END,
    w.season || w.what || w.verb, w.offer || ' ' || w.place,
    'https://shop.example.com/p/' || card * 7919 % 1000000 || '?utm_campaign=c' || card % 300, 'https://cdn.example.com/t/' || card % 5000 || '.jpg', 'everyone',
    CASE WHEN card % 1009 = 0 THEN '临时工' ELSE (ARRAY['lin','wang','zhao','chen','程序'])[1 + card % 5] END,
    CASE WHEN card % 503 = 0 THEN 'import' WHEN card % 5 = 4 THEN 'api' ELSE 'web' END,
    CASE WHEN s.state = 'sent' THEN (14000000000000000000 + g)::text END, (s.state IN ('sent', 'failed', 'unknown'))::int, g,
    CASE WHEN s.state IN ('sent', 'failed', 'unknown') THEN t.due + g % 900 * interval '1 millisecond' END,
    CASE WHEN s.state IN ('sent', 'failed') THEN t.due + interval '2 seconds' END, t.due - interval '3 days', t.due
FROM (SELECT g::bigint, ($POSTS$ - g) / 48 AS card FROM generate_series($FROM$, $TO$) g) g
CROSS JOIN LATERAL (SELECT 1 + g % 48 * 5 + card % 5 AS id) i
CROSS JOIN LATERAL (SELECT now() + interval '1 day' - card * 48::float8 / $POSTS$ * interval '730 days' + g % 48 * interval '15 seconds' AS due) t
CROSS JOIN LATERAL (SELECT CASE WHEN t.due > now() THEN 'scheduled' WHEN g % 400 = 1 THEN 'failed' WHEN g % 2000 = 2 THEN 'unknown'
    WHEN g % 500 = 3 THEN 'missed' WHEN g % 60 = 4 THEN 'cancelled' ELSE 'sent' END AS state) s
CROSS JOIN LATERAL (SELECT (hashint8(card) & 2147483647) / 7 AS h) h
CROSS JOIN LATERAL (SELECT
    (ARRAY['春季','夏日','金秋','冬至','端午','中秋','国庆','新年'])[1 + h % 8] AS season,
    (ARRAY['明前龙井','手工汉服','亲子课程','坚果礼盒','羊绒围巾','智能手表','有机蔬菜','海鲜拼盘','儿童绘本','露营装备','面膜套装','咖啡豆'])[1 + h / 8 % 12] AS what,
    (ARRAY['今日开售','限时返场','会员专享','新品上市','清仓特惠','预约有礼'])[1 + h / 96 % 6] AS verb,
    (ARRAY['下单立减三十元','买二送一','满三百减五十','扫码领券','免费试用七天','转发集赞换好礼'])[1 + h / 576 % 6] AS offer,
    (ARRAY['杭州西湖店','上海静安店','北京朝阳店','广州天河店','成都春熙店','武汉江汉店'])[1 + h / 3456 % 6] AS place,
    (ARRAY['老顾客都说好🎉','送礼自用两相宜','错过再等一年','详情见卡片','欢迎到店品鉴','客服在线答疑'])[1 + h / 20736 % 6] AS tail) w;
INSERT INTO post_search (post_id, body, marks)
SELECT id, search_body(content, title, description, url), search_marks(due_at, instance_id, author, source) FROM posts WHERE id BETWEEN $FROM$ AND $TO$;
INSERT INTO post_links SELECT link_key(url), instance_id, id FROM posts WHERE id BETWEEN $FROM$ AND $TO$;
INSERT INTO attempts (post_id, number, started_at, duration, replica, verdict, cause, request, reply, http_status)
SELECT id, 1, intent_at, '700 milliseconds', 'r1', CASE WHEN state = 'failed' THEN 'rejected' ELSE 'in_doubt' END, CASE WHEN state = 'failed' THEN 'code_1001' ELSE 'timeout' END, '{}', '{"code":"1001"}', 200
FROM posts WHERE id BETWEEN $FROM$ AND $TO$ AND state IN ('failed', 'unknown');
